#!/usr/bin/env python3
"""Damages every file of a data folder, in every way, and sees what each command says.

usage: check-damage.py VELTRIX [ROUNDS]

  VELTRIX   the program; it is started on a data folder of its own
  ROUNDS    damages of each file in each way                                            default 1

An engine makes a hunt with promotions, snapshots and compressed segments. Copies of its folder get
flipped bits, are cut, grow, lose files or have them swapped; then replay, its --verify and its
--omit, inspect, backup and the engine itself run on each copy. Each must end by itself, with a status
of its own and, where it is not 0, a line that names a file; what is answered with status 0 must be
what the folder gave before, or, where a torn end of the journal was cut, said to be. SEED=n repeats
a run; SAMPLE=n takes n of the damages only. Standard library only. Exits 0 when nothing failed, 1 otherwise. Does not verify what a power
cut leaves (crash.py does).
"""

import collections
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location(
    "forks", os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-replay-forks.py"))
forks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(forks)

WAYS = ["bit", "byte", "zeros", "cut", "end", "empty", "grow", "missing", "twin", "folder"]
LOOK = ["--at", "head", "--omit", "players=3,anna,from=100", "--diff", "--json"]


def damage(way, path, draw):
    """Does it; false where this file cannot be damaged so."""
    size = os.path.getsize(path)
    if way == "missing":
        os.remove(path)
    elif way == "folder":
        os.remove(path)
        os.mkdir(path)
    elif way == "grow":
        with open(path, "ab") as file:
            file.write(draw.randbytes(draw.choice([1, 64, 4096])))
    elif way == "twin":
        base, end = os.path.dirname(path), os.path.splitext(path)[1]
        others = [name for name in sorted(os.listdir(base))
                  if name.endswith(end) and os.path.isfile(os.path.join(base, name))
                  and os.path.join(base, name) != path]
        if not others:
            return False
        shutil.copyfile(os.path.join(base, draw.choice(others)), path)
    elif way in ("empty", "cut", "end"):
        if size == 0:
            return False
        os.truncate(path, {"empty": 0, "cut": draw.randrange(size), "end": size - 1}[way])
    else:
        if size == 0:
            return False
        with open(path, "r+b") as file:
            content = file.read()
            # Most of a segment or snapshot is zeros; what is written is damaged more often.
            written = len(content.rstrip(b"\0")) or 1
            at = draw.randrange(written if draw.random() < 0.8 else size)
            if way == "zeros":
                at = at // 64 * 64
            old = content[at:at + (512 if way == "zeros" else 1)]
            new = {"bit": bytes([old[0] ^ 1 << draw.randrange(8)]),
                   "byte": bytes([draw.randrange(256)]), "zeros": bytes(len(old))}[way]
            if new == old:
                return False
            file.seek(at)
            file.write(new)
    return True


def run(line):
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def serve(program, data):
    """Status, what it said, and the state's digest and offset where it got ready."""
    process = subprocess.Popen(
        [program, "serve", "--data", data, "--http", "127.0.0.1:0", "--stream", "127.0.0.1:0",
         "--segment-size", "1MiB"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = None
    for line in process.stdout:
        if line.startswith("ready"):
            engine = forks.commands.Engine(program, data)
            engine.http_port = int(line.split("http=")[1].split()[0].rsplit(":", 1)[1])
            status, answer = engine.call("GET", "/forks?digest=true")
            said = (answer["hunt"]["digest"], answer["offset"]) if status == 200 else (status, answer)
            break
    process.send_signal(signal.SIGTERM)
    try:
        error = process.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return -9, "did not stop", said
    return process.returncode, error, said


class Trial:
    """One damaged copy of a folder."""

    def __init__(self, program, data, name, good):
        self.program, self.data, self.name, self.good = program, data, name, good
        self.wrong = []

    def see(self, what, status, out, error, statuses):
        if status not in statuses:
            self.wrong.append(f"{what}: status {status}: {out[-300:]}{error[-600:]}")
        elif status != 0 and not (error.strip() or "DISAGREES" in out or "damaged" in out):
            self.wrong.append(f"{what}: status {status} without a word")
        elif status == 3 and self.data not in error:
            self.wrong.append(f"{what}: no file is named: {error[-400:]}")
        return status

    def run(self, spare):
        program, data = self.program, self.data
        status, out, error = run([program, "replay", "--data", data, *LOOK])
        if self.see("replay --omit", status, out, error, (0, 2, 3)) == 0:
            answer = json.loads(out)
            for part in (answer, answer["own"], answer["fork"], answer["difference"]):
                for key in ("micros", "base"):
                    part.pop(key, None)
            if answer != self.good["look"] and not self.is_torn(answer["head"]):
                self.wrong.append(f"replay --omit: another answer, head {answer['head']}")
        status, out, error = run([program, "replay", "--data", data, "--verify"])
        if self.see("replay --verify", status, out, error, (0, 1, 2, 3)) == 0:
            if self.good["digest"] not in out and "torn write" not in out:
                self.wrong.append("replay --verify: " + out)
        for what in ("journal", "books", "counters"):
            status, out, error = run([program, "inspect", what, "--data", data])
            self.see("inspect " + what, status, out, error, (0, 1, 2, 3))
        status, out, error = run([program, "backup", "--data", data, "--to", spare + "/b", "--rate", "0"])
        if self.see("backup", status, out, error, (0, 1, 2, 3)) == 0:
            status, out, error = run([program, "restore", "--from", spare + "/b", "--data", spare + "/r"])
            self.see("restore", status, out, error, (0,))
        status, error, said = serve(program, data)
        # A file that is no file cannot be read, which is not said to be damage.
        refusals = (1, 2, 3) if os.path.isdir(os.path.join(data, self.name or "lock")) else (2, 3)
        self.see("serve", status, "", error, refusals if said is None else (0,))
        if said is not None and said != self.good["serve"] and "torn write" not in error:
            # The hunt itself may be gone where nothing of it is left to see.
            self.wrong.append(f"serve: {said}: {error[-400:]}")
        if said is not None:
            status, error, again = serve(program, data)
            if status != 0 or again != said:
                self.wrong.append(f"serve again: {status} {again} after {said}: {error[-400:]}")
        return status

    def is_torn(self, head):
        """Whether the journal was cut, which replay --omit says by where it ends."""
        return head < self.good["look"]["head"]


def make(program, data, draw):
    """A folder with a file of every kind."""
    engine = forks.Engine(program, data)
    try:
        status, answer = engine.call("POST", "", forks.HUNT)
        if status != 201:
            raise SystemExit(answer)
        forks.play(engine, draw, 25_000)
        engine.json("unplay", "--players", "3,anna", "--from", "9000", "--promote")
        place = forks.play(engine, draw, 12_000)
        forks.play(engine, draw, 1_000)
        engine.json("rollback", "--to", str(place), "--promote")
        forks.settled(engine)
    finally:
        engine.stop()
    # More in the journal than the last snapshot holds.
    engine = forks.Engine(program, data)
    try:
        forks.play(engine, draw, 2_000)
        forks.settled(engine)
    finally:
        engine.close()


def main():
    program = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"SEED={seed}", flush=True)
    draw = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="check-damage-")
    data, copy, spare = folder + "/data", folder + "/copy", folder + "/spare"
    failed, seen = 0, collections.Counter()
    try:
        make(program, data, draw)
        names = sorted(os.path.relpath(os.path.join(base, name), data)
                       for base, _, files in os.walk(data) for name in files)
        good = {}
        kinds = [(name, way) for name in names for _ in range(rounds) for way in WAYS]
        sample = int(os.environ.get("SAMPLE", len(kinds)))
        # First the folder as it is.
        for name, way in [(None, None)] + draw.sample(kinds, min(sample, len(kinds))):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.rmtree(spare, ignore_errors=True)
            os.mkdir(spare)
            shutil.copytree(data, copy)
            if name is None:
                _, out, _ = run([program, "replay", "--data", copy, *LOOK])
                good["look"] = json.loads(out)
                for part in (good["look"], *(good["look"][key] for key in (
                        "own", "fork", "difference"))):
                    for key in ("micros", "base"):
                        part.pop(key, None)
                good["digest"] = good["look"]["own"]["digest"]
                good["serve"] = (good["digest"], good["look"]["head"])
            elif not damage(way, os.path.join(copy, name), draw):
                continue
            trial = Trial(program, copy, name, good)
            status = trial.run(spare)
            seen[status] += 1
            for wrong in trial.wrong:
                failed += 1
                print(f"FAIL {name or 'undamaged'} {way or ''}  {wrong}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{sum(seen.values())} damaged folders; the engine ended with "
          + ", ".join(f"{status} {count} times" for status, count in sorted(seen.items())))
    print(f"{failed} failed" if failed else "all hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
