#!/usr/bin/env python3
"""The hunt graph beside the Boost Graph Library and a plain Dijkstra, on one world in one run.

usage: run.py --veltrix FILE --peers FILE [--side N] [--treasures N] [--edges N] [--paths N]
              [--wholes N] [--nears N] [--runs N] [--seed N] [--without boost|plain] [--json FILE]

  --veltrix FILE   the program
  --peers FILE     what the Makefile beside this file builds of peers.cpp
  --side N         blocks along each side of the world, four neighbours, weights of 1 to 16;
                   16...4,096                                                    default 3,400
  --treasures N    at most an eighth of all blocks        default 100,000, a block in 115 at most
  --edges N        edge changes a run, after which the others compute the field again
                                                                              default 20,000
  --paths N        ways between blocks at most 256 apart, a run                    default 100
  --wholes N       ways between any two blocks, a run                                default 4
  --nears N        searches for 1 and for 8 treasures each, a run                default 1,000
  --runs N         default 5
  --seed N         of all that is drawn; the world's too                             default 1
  --without PEER   leaves one out
  --json FILE      every figure, for programs

The world is a file of `veltrix world build`, which each program reads for itself; each does the
same plan in the same order (peers.cpp says what its lines mean). Every answer is compared: the
distance of every node from its nearest treasure and (but for Boost) that treasure, before and
after the changes; the cost of every way; every treasure found near. Exits 0 when all are equal, 1
otherwise.

Does not compare the steps of ways, of which several may be as cheap, nor memory.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time


def draw(rng, options, nodes, side):
    """The plan's lines: treasures, then each run's steps."""
    lines = [f"t {node}" for node in rng.sample(range(nodes), options.treasures)]
    reach = min(256, max(1, side // 4))
    for _ in range(options.runs):
        lines.append("f")
        for _ in range(options.edges):
            x, y = rng.randrange(1, side - 1), rng.randrange(1, side - 1)
            lines.append(f"e {y * side + x} {rng.randrange(4)} {rng.randint(1, 16)}")
        lines.append("c")
        for _ in range(options.paths):
            x, y = rng.randrange(side), rng.randrange(side)
            near = [min(side - 1, max(0, at + rng.randint(-reach, reach))) for at in (x, y)]
            lines.append(f"p {y * side + x} {near[1] * side + near[0]}")
        for _ in range(options.wholes):
            lines.append(f"w {rng.randrange(nodes)} {rng.randrange(nodes)}")
        for count in (1, 8):
            for _ in range(options.nears):
                lines.append(f"n {rng.randrange(nodes)} {count}")
    return "".join(line + "\n" for line in lines)


def measure(name, command, answers):
    """Answers and times of one program."""
    started = time.monotonic()
    done = subprocess.run([*command, answers], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{name} ended with status {done.returncode}")
    print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)
    with open(answers, encoding="ascii") as file:
        return file.read().splitlines(), json.loads(done.stdout)


def differences(ours, theirs):
    """Where two programs say something else; a dash says nothing."""
    if len(ours) != len(theirs):
        return [f"{len(ours)} answers and {len(theirs)}"]
    return [f"answer {at + 1}: {mine}, and {other}"
            for at, (mine, other) in enumerate(zip(ours, theirs))
            if mine != other and not (other.endswith(" -") and mine.startswith(other[:-1]))]


def part(samples, runs, share):
    """A percentile: the median over the runs of each one's, beside the least and the most."""
    size = len(samples) // runs
    values = []
    for run in range(runs):
        ordered = sorted(samples[run * size:(run + 1) * size])
        values.append(ordered[min(size - 1, int(size * share))])
    return statistics.median(values), min(values), max(values)


def shown(ns):
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= scale:
            return f"{ns / scale:.3g} {unit}"
    return f"{ns:.0f} ns"


# What is shown: our kind, the others', the name, and the shares.
ROWS = [
    ("field", "field", "whole field from nothing", (0.5,)),
    ("edge", "again", "edge changed, every hint right", (0.5, 0.99)),
    ("path", "path", "way within 256 blocks", (0.5, 0.99)),
    ("whole", "whole", "way across the world", (0.5, 0.99)),
    ("near1", "near1", "nearest treasure", (0.5, 0.99)),
    ("near8", "near8", "8 nearest treasures", (0.5, 0.99)),
]


def table(times, runs, peers):
    rows = []
    for own, other, name, shares in ROWS:
        if own not in times["veltrix"]:
            continue
        for share in shares:
            row = {"name": name, "part": f"p{share * 100:.0f}"}
            for program in ("veltrix", *peers):
                kind = own if program == "veltrix" else other
                row[program] = part(times[program][kind], runs, share)
            rows.append(row)
    head = f"{'':34}{'veltrix':>10}" + "".join(f"{peer:>12}{'ratio':>12}" for peer in peers)
    print(head)
    for row in rows:
        line = f"{row['name'] + ', ' + row['part']:34}{shown(row['veltrix'][0]):>10}"
        for peer in peers:
            ratio = row[peer][0] / max(1, row["veltrix"][0])
            told = f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2g}"
            line += f"{shown(row[peer][0]):>12}{told:>12}"
        print(line)
    return rows


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("--veltrix", required=True)
    parser.add_argument("--peers", required=True)
    for name, default in (("side", 3400), ("treasures", 0), ("edges", 20_000), ("paths", 100),
                          ("wholes", 4), ("nears", 1000), ("runs", 5), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--without", choices=("boost", "plain"))
    parser.add_argument("--json")
    options = parser.parse_args()
    if not 16 <= options.side <= 4096:
        parser.error(f"--side {options.side}: not in 16...4,096")
    nodes = options.side ** 2
    options.treasures = options.treasures or min(100_000, nodes // 115)
    for name, least, most in (("treasures", 8, nodes // 8), ("edges", 1, 10 ** 7),
                              ("paths", 1, 10 ** 6), ("wholes", 1, 10 ** 6),
                              ("nears", 1, 10 ** 6), ("runs", 1, 100), ("seed", 0, 2 ** 32 - 1)):
        if not least <= getattr(options, name) <= most:
            parser.error(f"--{name} {getattr(options, name)}: not in {least:,}...{most:,}")
    return options


def main():
    options = arguments()
    side, nodes = options.side, options.side ** 2
    peers = [peer for peer in ("plain", "boost") if peer != options.without]
    with tempfile.TemporaryDirectory() as folder:
        world, plan = (os.path.join(folder, name) for name in ("world.vxw", "plan"))
        subprocess.run(
            [options.veltrix, "world", "build", "--generate", "grid", "--width", str(side),
             "--height", str(side), "--neighbours", "4", "--weights", "1...16", "--blocked", "0",
             "--seed", str(options.seed), "--output", world], check=True,
            stdout=subprocess.DEVNULL)
        with open(plan, "w", encoding="ascii") as file:
            file.write(draw(random.Random(options.seed), options, nodes, side))
        answers, times = {}, {}
        commands = {peer: [options.peers, peer, world, plan] for peer in peers}
        commands["veltrix"] = [options.veltrix, "bench", "graph", "--world", world, "--plan", plan,
                               "--answers"]
        for name, command in commands.items():
            answers[name], times[name] = measure(name, command, os.path.join(folder, name))
        faults = [f"{peer}: {fault}" for peer in peers
                  for fault in differences(answers["veltrix"], answers[peer])]
        print(f"\n{side} x {side} blocks, {4 * side * (side - 1):,} edges, {options.treasures:,} "
              f"treasures; medians of {options.runs} runs; ratio: theirs to ours")
        rows = table(times, options.runs, peers)
        print(f"{len(answers['veltrix']):,} answers of each compared, {len(faults)} differ")
        for fault in faults[:10]:
            print("FAIL " + fault, file=sys.stderr)
        if options.json:
            with open(options.json, "w", encoding="ascii") as file:
                json.dump({"side": side, "treasures": options.treasures, "runs": options.runs,
                           "seed": options.seed, "ns": rows, "differ": len(faults)}, file)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
