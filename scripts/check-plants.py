#!/usr/bin/env python3
"""Plants each bug that the simulation knows, and demands that it is found, in a run in which nothing
else is: no checker is blind.

    scripts/check-plants.py --binary .build/release/veltrix [--steps 6000] [--seeds 100]

Not verified: that a checker sees every bug of its kind.
"""

import argparse
import re
import subprocess
import sys

from checking import Checks

# Where disks lie as well, damage is refused and put right, whoever meets it.
FAULTS = {"torn-check-lost": "torn,lost,reordered,kill,power"}


def plants(binary):
    """The names that `--help` lists behind `--plant`."""
    text = subprocess.run([binary, "simulate", "--help"], capture_output=True, text=True).stdout
    listed = re.search(r"  --plant <bug> .*?which must be found:(.*?)\n  --", text, re.S).group(1)
    return re.findall(r"[a-z]+(?:-[a-z]+)+", listed)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--binary", default=".build/release/veltrix")
    options.add_argument("--steps", default="6000")
    options.add_argument("--seeds", type=int, default=100)
    options = options.parse_args()

    def simulate(faults, seed, count, *more):
        return subprocess.run(
            [options.binary, "simulate", "--seed", str(seed), "--seeds", str(count), "--events",
             options.steps, "--faults", faults, *more], capture_output=True, text=True)

    checks = Checks()
    names = plants(options.binary)
    checks("bugs are listed", len(names) >= 15, names)
    for name in names:
        faults = FAULTS.get(name, "all")
        seed, found = 1, None
        while seed <= options.seeds and found is None:
            run = simulate(faults, seed, options.seeds - seed + 1, "--plant", name)
            if run.returncode == 0:
                break
            # A run that traps names its seed only in the command that repeats it.
            said = run.stdout + run.stderr
            seed = int(re.search(r"--seed (\d+)", said).group(1))
            if simulate(faults, seed, 1).returncode == 0:
                found = said.splitlines()[0].removeprefix("veltrix simulate: ")
            seed += 1
        checks(f"{name}: {found}", found is not None, f"not found in {options.seeds} seeds")
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
