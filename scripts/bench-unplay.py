#!/usr/bin/env python3
"""Measures Unplay and rollback on a running hunt, while another load flows and without it.

usage: bench-unplay.py VELTRIX [--events N] [--players N] [--previews N] [--rate N]

  VELTRIX       the program, which is started on a data folder of its own
  --events N    events of the hunt that players are taken out of         default 1000000
  --players N   its players                                              default 100000
  --previews N  players taken out, one after another, at random          default 1000
  --rate N      events/s that flow meanwhile, into another hunt          default 100000

Each preview is POST unplay?wait=true, then its difference, then its deletion; the time counts from
the request to the last byte of the answer. Prints quantiles in milliseconds, and the load's own
latencies with and without previews. Standard library only; exits 1 when a request failed.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from checking import Engine


def ask(engine, method, path, body=None):
    """The answer to a question about hunts, on the one connection that all of them share."""
    status, _, form = engine.request(method, "/v1/hunts/" + path, body, None, engine.connection)
    if status >= 300:
        raise SystemExit(f"{method} {path}: {status} {form}")
    return form


def load(program, engine, hunt, options):
    """Runs the load generator; what it found."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "load.json")
        done = subprocess.run(
            [program, "load", "--target", f"tcp://127.0.0.1:{engine.stream_port}", "--http",
             engine.http, "--hunt", hunt, "--create", "--json", path, *map(str, options)], capture_output=True,
            text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"load ended with {done.returncode}: {done.stdout}{done.stderr}")
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def quantiles(times):
    times = sorted(times)
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))] * 1e3
    return (f"p50 {at(0.5):7.2f}  p90 {at(0.9):7.2f}  p99 {at(0.99):7.2f}  "
            f"max {times[-1] * 1e3:7.2f} ms  ({len(times)})")


def preview(engine, hunt, form, body):
    """One preview: until its fork is ready, and until its difference is here."""
    start = time.perf_counter()
    fork = ask(engine, "POST", f"{hunt}/{form}?wait=true", body)["fork"]
    ready = time.perf_counter() - start
    if fork["state"] != "ready":
        raise SystemExit(f"{form} {body}: {fork}")
    difference = ask(engine, "GET", f"{hunt}/forks/{fork['id']}/diff?limit=10")
    whole = time.perf_counter() - start
    ask(engine, "DELETE", f"{hunt}/forks/{fork['id']}")
    return ready, whole, difference


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--players", type=int, default=100_000)
    parser.add_argument("--previews", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=100_000)
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    folder = tempfile.mkdtemp(prefix="bench-unplay-")
    engine = Engine(program, folder + "/data").start()
    engine.connection = engine.connect(120)
    try:
        run(program, engine, options)
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)


def run(program, engine, options):
    load(program, engine, "cheated", [
        "--rate", 400_000, "--events", options.events, "--players", options.players, "--batch", 256])
    offset = ask(engine, "GET", "cheated")["offset"]
    print(f"hunt of {options.events:,} events, {options.players:,} players, {offset:,} journal entries")
    chosen = random.Random(1)
    players = [chosen.randrange(1, options.players + 1) for _ in range(options.previews)]

    alone = [preview(engine, "cheated", "unplay", {"players": [player]}) for player in players[:50]]
    print("unplay alone, fork ready     ", quantiles([row[0] for row in alone]))
    print("unplay alone, and difference ", quantiles([row[1] for row in alone]))

    back = [preview(engine, "cheated", "rollback", {"to": offset - 100_000}) for _ in range(20)]
    print("rollback of 100,000 entries  ", quantiles([row[0] for row in back]))

    seconds = 20
    flow = ["--rate", options.rate, "--players", options.players, "--batch", 256]
    calm = load(program, engine, "calm", [*flow, "--seconds", seconds])["ack_us"]
    found = {}
    # As long as the previews may take: what is over when they are done is more of the same.
    length = max(seconds, int(options.previews * 0.2))
    flowing = threading.Thread(target=lambda: found.update(
        load(program, engine, "flow", [*flow, "--seconds", length])["ack_us"]))
    flowing.start()
    time.sleep(1)
    start = time.perf_counter()
    busy = []
    for player in players:
        if not flowing.is_alive():
            break
        busy.append(preview(engine, "cheated", "unplay", {"players": [player]}))
    took = time.perf_counter() - start
    print(f"{len(busy)} previews in {took:.1f} s while {options.rate:,} events/s flow for {length} s")
    print("unplay in flow, fork ready   ", quantiles([row[0] for row in busy]))
    print("unplay in flow, and diff     ", quantiles([row[1] for row in busy]))
    flowing.join()
    for name, row in (("without previews", calm), ("with previews", found)):
        print(f"events {name:18}  p50 {row['p50'] / 1e3:.2f}  p99 {row['p99'] / 1e3:.2f}  "
              f"p99.9 {row['p999'] / 1e3:.2f} ms  ({row['samples']:,})")


if __name__ == "__main__":
    sys.exit(main())
