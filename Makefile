# Everything a new machine needs: Swift 6.3 on the path, and the packages that `make deps` installs.
SWIFT ?= swift
SECONDS ?=
MAP ?=
BINARY := .build/release/veltrix
RELEASE := -c release --static-swift-stdlib

.PHONY: deps build demo test bench bench-graph fuzz sanitize format lint clean

## Installs the Debian packages that are missing.
deps:
	@scripts/install-deps

## Builds the program in release.
build: deps
	$(SWIFT) build $(RELEASE) --product veltrix

## Plays a hunt with 2,000 simulated players; SECONDS=20 ends by itself, MAP=file plays elsewhere.
demo: build
	$(BINARY) demo $(if $(SECONDS),--seconds $(SECONDS)) $(if $(MAP),--map $(MAP))

## Runs every test: Swift, Python, and the scripts that start the program.
test: build
	-@scripts/install-deps python3-websockets
	SECONDS= scripts/test

## Measures the state machine, then the whole engine under load.
bench: build
	scripts/bench

## Measures the hunt graph beside the Boost Graph Library and a plain Dijkstra; GRAPH passes options.
bench-graph: build
	@scripts/install-deps g++ make libboost-dev
	$(MAKE) -C Benchmarks/peers/graph
	Benchmarks/peers/graph/run.py --veltrix $(BINARY) --peers .build/peers/graph $(GRAPH)

## Runs each parser of Fuzz under libFuzzer for FUZZ_SECONDS (default 60).
fuzz: deps
	SECONDS= Fuzz/run $(or $(FUZZ_SECONDS),60)

## Runs the Swift tests under the address and the thread sanitizer.
sanitize: deps
	SECONDS= scripts/sanitize

format:
	$(SWIFT) format -i -r Package.swift Sources Tests Fuzz

lint:
	$(SWIFT) format lint --strict -r Package.swift Sources Tests Fuzz

clean:
	rm -rf .build
