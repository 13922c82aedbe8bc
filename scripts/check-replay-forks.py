#!/usr/bin/env python3
"""Checks veltrix replay --at --omit --diff on a data folder against the forks of a running engine.

usage: check-replay-forks.py VELTRIX

  VELTRIX   the program; it is started on a data folder of its own

An engine plays a random hunt, with promotions, restarts, snapshots and compressed segments; for
many places and omissions it is asked for the fork and for the hunt of then. Then it is stopped, and
the command's answers must be the same, field by field, and nothing in the folder may have changed.
SEED=n repeats a run. Standard library only. Exits 0 when nothing failed, 1 otherwise. Does not
verify the engine's own judgement of forks (check-forks.py does), nor speed.
"""

import hashlib
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import checking

spec = importlib.util.spec_from_file_location(
    "commands", os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-fork-commands.py"))
commands = importlib.util.module_from_spec(spec)
spec.loader.exec_module(commands)
check = checking.Checks()

PLAYERS = list(range(1, 30)) + ["anna", "bob", "7up", "+5"]
TREASURES = {
    number: (number % 12, number // 2)
    for number in range(1, 21)
}
HUNT = """
hunt: forks
world:
  text: |
    type octile
    height 12
    width 12
    map
""" + "    ............\n" * 12 + """
rules: {speed_max: any, walls: false, claims_per_player: 2}
boards: [{name: all, window: none}]
treasures:
""" + "".join(
    f"  - {{id: {number}, x: {x}, y: {y}, points: {10 * number}, stock: {1 + number % 4}"
    + (", respawn: 1s}\n" if number % 3 == 0 else "}\n")
    for number, (x, y) in TREASURES.items())


class Engine(commands.Engine):
    """A running one, with small segments and many snapshots."""

    def __init__(self, program, data):
        super().__init__(program, data, [
            "--segment-size", "1MiB", "--snapshot-every-events", "20000", "--digest-every", "1000",
            "--snapshot-keep", "4"])
        self.start()

    def stop(self):
        self.terminate()
        self.close()


def play(engine, draw, count):
    """Random events; the journal offset behind them."""
    events = []
    while len(events) < count:
        player = draw.choice(PLAYERS)
        kind = draw.random()
        if kind < 0.8:
            treasure = draw.choice(list(TREASURES))
            x, y = TREASURES[treasure]
            events.append({"kind": "move", "player": player, "x": x, "y": y})
            events.append({"kind": "claim", "player": player, "treasure": treasure})
        elif kind < 0.9:
            events.append({"kind": "score", "player": player, "value": draw.randint(-50, 50)})
        elif kind < 0.95:
            events.append({"kind": "edge", "x": draw.randrange(11), "y": draw.randrange(11),
                           "direction": draw.randrange(8), "multiplier": draw.choice([0, 16, 64])})
        else:
            events.append({"kind": draw.choice(["join", "leave"]), "player": player})
    offset = 0
    for at in range(0, len(events), 4000):
        status, answer = engine.call("POST", "/forks/events", events[at:at + 4000])
        if status != 200:
            raise SystemExit(f"events: {status} {answer}")
        offset = answer["offset"]
    return offset


def settled(engine):
    """Where the journal ends once every respawn is due."""
    last = None
    while True:
        _, answer = engine.call("GET", "/forks")
        if answer["offset"] == last:
            return last
        last = answer["offset"]
        time.sleep(1.5)


def omission(draw, head):
    """A random omission, as a request has it."""
    omit = {}
    while not omit:
        if draw.random() < 0.6:
            omit["players"] = [
                f"name:{player}" if player == "7up" else str(player)
                for player in draw.sample(PLAYERS, draw.randint(1, 3))]
        if draw.random() < 0.3:
            omit["kinds"] = draw.sample(["move", "claim", "score", "edge"], draw.randint(1, 2))
        if draw.random() < 0.1:
            omit["producers"] = [0]
        if draw.random() < 0.1:
            omit["events"] = [draw.randrange(head) for _ in range(200)]
    if draw.random() < 0.5:
        omit["from"] = str(draw.randrange(head))
    if draw.random() < 0.3:
        omit["to"] = str(draw.randrange(head))
    return omit


def text(omit):
    return ",".join(
        f"{key}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in omit.items())


def made(engine, request):
    status, answer = engine.call("POST", "/forks/forks?wait=true", request)
    if status != 201:
        raise SystemExit(f"{request}: {status} {answer}")
    return answer["fork"]


def asked(engine, draw, head):
    """What a running engine says of random places and omissions."""
    questions = []
    for number in range(30):
        at = "head" if number % 5 == 0 else str(draw.randrange(head + 1))
        if number % 5 == 1:
            status, answer = engine.call("GET", f"/forks?as_of={draw.randrange(head)}")
            at = f"{answer['time_ms']}ms" if answer and "time_ms" in answer else at
        omit = omission(draw, head)
        fork, own = made(engine, {"at": at, "omit": omit}), made(engine, {"at": at})
        _, difference = engine.json(
            "diff", "--fork", str(fork["id"]), "--against", str(own["id"]), "--limit", "100000")
        _, table, _ = engine.run(
            "diff", "--fork", str(fork["id"]), "--against", str(own["id"]), "--limit", "20")
        main = None
        if at == "head":
            _, main = engine.json("diff", "--fork", str(fork["id"]), "--limit", "100000")
        questions.append((at, omit, fork, own, difference, main, table))
        for made_fork in (fork, own):
            engine.call("DELETE", f"/forks/forks/{made_fork['id']}")
    return questions


def contents(folder):
    """Every file with its bytes' hash and the time of its last change."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[path] = (hashlib.sha256(file.read()).hexdigest(), os.stat(path).st_mtime_ns)
    return found


def replay(program, data, *flags):
    done = subprocess.run([program, "replay", "--data", data, *flags], capture_output=True,
                          text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


def compare(program, data, question):
    at, omit, fork, own, difference, main, table = question
    name = f"--at {at} --omit {text(omit)}"[:90]
    flags = ["--hunt", "forks", "--at", at, "--omit", text(omit), "--diff"]
    status, out, error = replay(program, data, *flags, "--limit", "100000", "--json")
    if status != 0 or error:
        check(name, False, (status, error))
        return
    answer = json.loads(out)
    found = answer["difference"]
    same = [
        ("offset", answer["offset"], fork["offset"]),
        ("head", answer["head"], fork["head"]),
        ("digest", answer["fork"]["digest"], fork["digest"]),
        ("own digest", answer["own"]["digest"], own["digest"]),
        ("complete", found["complete"], True),
    ]
    for other in [difference, main]:
        if other:
            same += [(key, found[key], other[key])
                     for key in other if key not in ("fork", "against", "micros")]
    wrong = [item for item in same if item[1] != item[2]]
    check(name, not wrong, str(wrong)[:1000])
    status, out, _ = replay(program, data, *flags, "--limit", "20")
    rows = table.split("\n")[1:]
    check("and so for people", status == 0 and out.split("\n")[-len(rows):] == rows,
          "\n" + out + "\n" + table)


def errors(program, data, head, folder):
    """Whatever cannot be answered is said, with an exit code of its own."""
    for status, flags, words in [
            (1, ["--at", str(head + 1)], ["at: ", str(head + 1), str(head), "beyond_head"]),
            (1, ["--omit", f"players=1,from={head + 7}"], ["from: ", str(head + 7)]),
            (1, ["--omit", "players=nobody"], ['"nobody"', "unknown_player"]),
            (2, ["--omit", "teams=red"], ["--omit teams", "no hunt has teams"]),
            (2, ["--omit", "players=1,teams=red"], ["--omit teams", "no hunt has teams"]),
            (2, ["--omit", "player=1"], ["--omit player", "players?"]),
            (2, ["--omit", "zzz=1"], ["--omit zzz", "name:zzz=1"]),
            (2, ["--omit", "anna"], ["--omit anna", "<key>="]),
            (2, ["--omit", ""], ["--omit", "<key>="]),
            (2, ["--omit", "players="], ["--omit players", "empty"]),
            (2, ["--omit", "players=1,"], ["--omit players", "empty"]),
            (2, ["--omit", "producers=+5"], ["--omit producers", "+5", "whole"]),
            (2, ["--omit", "events=x"], ["--omit events", "x", "whole"]),
            (2, ["--omit", "kinds=clam"], ["--omit kinds", "clam", "claim?"]),
            (2, ["--omit", "players=1,from=-1"], ["--omit from", "-1"]),
            (2, ["--omit", "from=1,2"], ["--omit from", "one place"]),
            (2, ["--omit", "from=1,from=2"], ["--omit from", "twice"]),
            (2, ["--at", "yesterday"], ["--at", "yesterday"]),
            (2, ["--diff"], ["--diff", "--omit"]),
            (2, ["--at", "1", "--verify"], ["--verify", "--at"]),
            (2, ["--at", "1", "--limit", "3"], ["--limit"]),
            (2, ["--omit", "players=1", "--diff", "--parts", "player"], ["--parts", "players?"]),
            (2, ["--at", "1", "--hunt", "elsewhere"], ["elsewhere"])]:
        done, out, error = replay(program, data, *flags)
        check(f"refused: {' '.join(flags)}",
              done == status and out == "" and error.startswith("veltrix replay: ")
              and error.count("\n") == 1 and all(word in error for word in words),
              (done, out, error))
    status, _, error = replay(program, folder + "/nothing", "--at", "1")
    check("no folder", status == 2 and "/nothing" in error, error)


def main():
    program = os.path.abspath(sys.argv[1])
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"SEED={seed}", flush=True)
    draw = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="check-replay-forks-")
    data = folder + "/data"
    engine = Engine(program, data)
    try:
        status, answer = engine.call("POST", "", HUNT)
        check("a hunt is made", status == 201, answer)
        play(engine, draw, 25_000)
        first, _ = engine.json("unplay", "--players", "3,anna", "--from", "9000", "--promote")
        play(engine, draw, 15_000)
        engine.stop()
        engine = Engine(program, data)
        place = play(engine, draw, 2_000)
        play(engine, draw, 2_000)
        second, _ = engine.json("rollback", "--to", str(place), "--promote")
        check("two lines are promoted", first == 0 and second == 0)
        play(engine, draw, 5_000)
        head = settled(engine)
        questions = asked(engine, draw, head)
        status, out, error = replay(program, data, "--at", "1")
        check("a folder in use is said to be", status == 4 and "an engine works" in error, error)
    finally:
        engine.stop()
    try:
        before = contents(data)
        check("there are snapshots, lines and compressed segments",
              all(any(path.endswith(end) for path in before) for end in [".vs", ".vb", ".zst"]),
              list(before))
        for question in questions:
            compare(program, data, question)
        status, out, _ = replay(program, data, "--at", "0", "--json")
        answer = json.loads(out)
        check("the beginning", status == 0 and answer["offset"] == 0
              and answer["own"]["events"] == 0 and answer["fork"] is None
              and "difference" not in answer, out)
        errors(program, data, questions[0][2]["head"], folder)
        check("nothing in the folder has changed", contents(data) == before)
        os.remove(data + "/lock")
        status, _, error = replay(program, data, "--at", "7")
        check("nor is a lock made", status == 0 and not os.path.exists(data + "/lock"), error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return check.status()


if __name__ == "__main__":
    sys.exit(main())
