#!/usr/bin/env python3
"""Checks hunts on worlds of every form against a running engine.

usage: check-worlds.py VELTRIX [--seed N]

  VELTRIX    the program; it is started on a data folder of its own
  --seed N   of the random streets and edits                                    default 1

Builds world files with `veltrix world build`, makes hunts on them by name, and compares hints,
paths, nearest and reachable treasures with Dijkstra's algorithm on a plain list of edges, while
edges are weighed, closed, opened, added and removed and blocks are placed and broken; also as of an
earlier offset, and after a kill. Standard library only. Exits 0 when nothing failed, 1 otherwise.
Does not verify the time that anything takes, nor grids (check-api.py does).
"""

import argparse
import heapq
import os
import random
import shutil
import subprocess
import sys
import tempfile

from checking import Checks, Engine

check = Checks()


class Streets:
    """A network as a list of edges: (tail, head) and what each costs, 0 closed."""

    def __init__(self, rng, nodes, count):
        labels = sorted(rng.sample(range(1, 5_000), nodes))
        self.rows = [(*rng.sample(labels, 2), rng.randint(1, 40)) for _ in range(count)]
        used = {end for row in self.rows for end in row[:2]}
        self.labels = [label for label in labels if label in used]
        ordered = sorted(self.rows, key=lambda row: row[0])
        self.edges = {at: list(row) for at, row in enumerate(ordered)}
        self.built = {at: row[2] for at, row in enumerate(ordered)}

    def csv(self):
        return "from,to,weight\n" + "".join(f"{a},{b},{w}\n" for a, b, w in self.rows)

    def costs(self, start):
        """Cost of the cheapest way from a node to each that can be come to."""
        out = {}
        for tail, head, cost in self.edges.values():
            if cost:
                out.setdefault(tail, []).append((head, cost))
        known, queue = {}, [(0, start)]
        while queue:
            cost, node = heapq.heappop(queue)
            if node in known:
                continue
            known[node] = cost
            for head, step in out.get(node, []):
                heapq.heappush(queue, (cost + step, head))
        return known


def build(program, folder, name, text, ending, *flags):
    source = os.path.join(folder, name + ending)
    with open(source, "w", encoding="ascii") as file:
        file.write(text)
    worlds = os.path.join(folder, "data", "worlds")
    os.makedirs(worlds, exist_ok=True)
    done = subprocess.run(
        [program, "world", "build", source, "--output", f"{worlds}/{name}.vxw", *flags],
        capture_output=True, text=True, check=False)
    check(f"{name} is built", done.returncode == 0, done.stderr)


def ask(engine, method, path, body=None, wanted=200):
    status, _, form = engine.request(method, "/v1/hunts" + path, body, None, engine.connection)
    if status != wanted:
        check(f"{method} {path} is answered {wanted}", False, f"{status}: {form}")
    return form


def send(engine, hunt, *events):
    return [row["result"] for row in ask(engine, "POST", f"/{hunt}/events", list(events))["outcomes"]]


def streets(engine, rng, roads):
    """Asks everything about a hunt on streets, and compares."""
    spots = {at + 1: rng.choice(roads.labels) for at in range(8)}
    ask(engine, "POST", "", {
        "hunt": "streets", "world": {"name": "streets"}, "rules": {"speed_max": "any", "walls": False},
        "treasures": [{"id": id, "x": spot, "y": 0, "reach": 64} for id, spot in spots.items()]}, 201)
    compare(engine, roads, spots, rng, "as built")
    before = dict({at: list(row) for at, row in roads.edges.items()})
    place = ask(engine, "GET", "/streets")["offset"]
    added = []
    for _ in range(30):
        edit(engine, rng, roads, added)
    compare(engine, roads, spots, rng, "after 30 edits")
    now = roads.edges
    roads.edges = before
    compare(engine, roads, spots, rng, "as of before", f"&as_of={place}")
    roads.edges = now


def edit(engine, rng, roads, added):
    kind = rng.randrange(4)
    if kind == 0:
        tail, head = rng.sample(roads.labels, 2)
        cost = rng.randint(1, 30)
        event = {"kind": "edge", "change": "add", "x": tail, "to": head, "cost": cost}
        outcome = ask(engine, "POST", "/streets/events", [event])["outcomes"][0]
        id = outcome.get("edge", 0)
        check("an edge is added", outcome["result"] == "ok" and id >= 1 << 31, outcome)
        roads.edges[id] = [tail, head, cost]
        added.append(id)
        return
    if kind == 1 and added:
        id = added.pop(rng.randrange(len(added)))
        wanted = ["ok"] if roads.edges[id][2] else ["nothing_changed"]
        got = send(engine, "streets", {"kind": "edge", "change": "remove", "edge": id})
        check("an edge is removed", got == wanted, got)
        del roads.edges[id]
        return
    id = rng.choice(sorted(roads.edges))
    change = rng.choice(["reweight", "close", "open"])
    event = {"kind": "edge", "edge": id, "change": change}
    cost = 0
    if change == "reweight":
        cost = event["cost"] = rng.randint(1, 40)
    elif change == "open":
        if id >= 1 << 31:
            return
        cost = roads.built[id]
    wanted = ["nothing_changed" if roads.edges[id][2] == cost else "ok"]
    got = send(engine, "streets", event)
    check(f"an edge is changed ({change})", got == wanted, f"{got}, not {wanted}")
    roads.edges[id][2] = cost


def compare(engine, roads, spots, rng, when, more=""):
    wrong = []
    for start in rng.sample(roads.labels, 12):
        costs = roads.costs(start)
        near = sorted((costs[spot], id) for id, spot in spots.items() if spot in costs)
        got = ask(engine, "GET", f"/streets/nearest?from={start},0,0&k=5{more}")["treasures"]
        if [(row["cost"], row["id"]) for row in got] != near[:5]:
            wrong.append(f"nearest {start}: {got}, not {near}")
        got = ask(engine, "GET", f"/streets/reachable?from={start},0,0&cost=60{more}")["treasures"]
        if [(row["cost"], row["id"]) for row in got] != [row for row in near if row[0] <= 60]:
            wrong.append(f"reachable {start}: {got}, not {near}")
        goal = rng.choice(roads.labels)
        status, _, got = engine.request(
            "GET", f"/v1/hunts/streets/path?from={start},0,0&to={goal},0,0{more}", None, None,
            engine.connection)
        if goal not in costs:
            if status != 404:
                wrong.append(f"path {start} to {goal}: {status}, and there is no way")
            continue
        ways = [roads.edges[id] for id in got["edges"]] if status == 200 else []
        steps = [start] + [way[1] for way in ways]
        if status != 200 or got["cost"] != costs[goal] or got["steps"] != steps or (
                sum(way[2] for way in ways) != costs[goal]):
            wrong.append(f"path {start} to {goal}: {status} {got}, not {costs[goal]}")
    if not more:
        events = [{"kind": "teleport" if at else "join", "player": "walker", "x": label, "hint": True}
                  for at, label in enumerate(rng.sample(roads.labels, 6))]
        for event in events:
            send(engine, "streets", event if event["kind"] == "join" else {**event, "kind": "move"})
            hint = ask(engine, "GET", "/streets/players/walker/hint")
            costs = roads.costs(hint["x"])
            near = min(((costs[spot], id) for id, spot in spots.items() if spot in costs), default=None)
            if (hint.get("distance"), hint["treasure"]) != (near or (None, None)):
                wrong.append(f"hint at {hint['x']}: {hint}, not {near}")
    check(f"streets: hints, paths and treasures near, {when}", not wrong, wrong[:3])


LAYERS = """layers 6 3 4
..#...
..#...
..#...

..#...
..#...
..#...

......
......
......

......
......
......
"""


def steps_of(engine, hunt):
    return ask(engine, "GET", f"/{hunt}/path?from=0,1,0&to=5,1,0")["steps"]


def voxels(engine):
    """A walker meets a wall of two blocks' height, which grows, and is broken."""
    ask(engine, "POST", "", {
        "hunt": "steps", "world": {"name": "steps"}, "rules": {"speed_max": "any"},
        "treasures": [{"id": 1, "x": 5, "y": 1, "z": 0, "reach": 0}]}, 201)
    over = [[0, 1, 0], [1, 1, 0], [2, 1, 2], [3, 1, 0], [4, 1, 0], [5, 1, 0]]
    got = steps_of(engine, "steps")
    check("a walker climbs over a wall and falls behind it", got == over, got)
    wall = {"kind": "edge", "x": 2, "y": 0, "z": 0, "height": 3, "depth": 4}
    check("a wall is placed", send(engine, "steps", {**wall, "change": "place"}) == ["ok"])
    answer = ask(engine, "GET", "/steps/path?from=0,1,0&to=5,1,0", None, 404)
    check("no way leads on", answer["error"]["code"] == "unreachable", answer)
    check("and is broken", send(engine, "steps", {**wall, "change": "break"}) == ["ok"])
    flat = [[x, 1, 0] for x in range(6)]
    got = steps_of(engine, "steps")
    check("the way lies on the ground", got == flat, got)
    events = [{"kind": "join", "player": 1, "x": 0, "y": 1, "z": 0}]
    events += [{"kind": "move", "player": 1, "x": x, "y": 1, "z": 0} for x in range(1, 6)]
    events += [{"kind": "claim", "player": 1, "treasure": 1}]
    got = send(engine, "steps", *events)
    check("a walker gets to the treasure and has it", got == ["ok"] * len(events), got)
    differ = ask(engine, "POST", "/steps/forks?wait=true", {"at": 0}, 201)["fork"]["id"]
    difference = ask(engine, "GET", f"/steps/forks/{differ}/diff")
    check("the blocks that differ are told", difference["counts"]["blocks"] == 6, difference["counts"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    folder = tempfile.mkdtemp(prefix="veltrix-worlds-")
    program = os.path.abspath(options.program)
    roads = Streets(rng, 60, 150)
    build(program, folder, "streets", roads.csv(), ".csv")
    build(program, folder, "steps", LAYERS, ".layers", "--headroom", "1", "--climb", "2")
    engine = Engine(program, os.path.join(folder, "data")).start()
    engine.connection = engine.connect(60)
    try:
        streets(engine, rng, roads)
        voxels(engine)
        engine.close()
        engine = Engine(program, os.path.join(folder, "data")).start()
        engine.connection = engine.connect(60)
        spots = {row["id"]: row["x"] for row in ask(engine, "GET", "/streets/treasures")["treasures"]}
        compare(engine, roads, spots, rng, "after a restart")
        same = os.path.samefile(
            os.path.join(folder, "data/hunts/streets/world.vxw"),
            os.path.join(folder, "data/worlds",
                         ask(engine, "GET", "/streets")["hunt"]["world"]["digest"] + ".vxw"))
        check("a hunt's world is the store's file", same)
        answer = ask(engine, "POST", "", {"hunt": "x", "world": {"name": "nowhere"}}, 422)
        check("a world that is not there is said", "nowhere.vxw" in answer["error"]["message"], answer)
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
    return check.status()


if __name__ == "__main__":
    sys.exit(main())
