#!/usr/bin/env python3
"""Checks forks, Unplay, rollback, promotion, reads of the past and explanations over HTTP.

usage: check-forks.py VELTRIX

  VELTRIX   the program; it is started on a data folder of its own, killed and started again

An independent model in this file (who claimed what, in which order) says what every answer must be.
Standard library only. Exits 0 when nothing failed, 1 otherwise. Does not verify speed, nor forks
under load.
"""

import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time


import checking
from checking import Checks, Engine, play, scores

check = Checks()

HUNT = """
hunt: forks
world:
  text: |
    type octile
    height 8
    width 8
    map
    ........
    ........
    ........
    ........
    ........
    ........
    ........
    ........
rules: {speed_max: any, walls: false, claims_per_player: 1}
boards: [{name: all, window: none}, {name: minute, window: minute}]
treasures:
  - {id: 1, x: 1, y: 1, points: 100, stock: 1}
  - {id: 2, x: 2, y: 2, points: 50, stock: 2}
  - {id: 3, x: 3, y: 3, points: 10, stock: 1000}
"""


def model(claims, without=()):
    """Scores by the rules: stock goes to whoever claimed first, once a player a treasure."""
    stock, points = {1: 1, 2: 2, 3: 1000}, {1: 100, 2: 50, 3: 10}
    total, had = {}, set()
    for player, treasure in claims:
        if player in without or (player, treasure) in had or stock[treasure] == 0:
            continue
        stock[treasure] -= 1
        had.add((player, treasure))
        total[player] = total.get(player, 0) + points[treasure]
    return total


def main():
    program = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="check-forks-")
    engine = Engine(program, folder + "/data")
    try:
        engine.start()
        run(engine)
        engine.kill()
        shutil.rmtree(engine.data)
        engine.start()
        kill_promotions(engine)
        unplay_in_demo(program)
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
    return check.status()


def run(engine):
    status, _ = engine.call("POST", "", HUNT)
    check("a hunt is made", status == 201)
    first = [(7, 1), (8, 1), (9, 2), (7, 2), (8, 2), (10, 2), (7, 3), (10, 3)]
    middle = play(engine, "forks", first)
    second = [(11, 1), (11, 2), (11, 3), (8, 3), (12, 3)]
    play(engine, "forks", second)
    claims = first + second
    check("scores follow the model", scores(engine, "forks") == model(claims), scores(engine, "forks"))

    # Unplay: a preview, its difference, and nothing changed.
    status, answer = engine.call("POST", "/forks/unplay?wait=true", {"players": [7]})
    fork = (answer or {}).get("fork", {})
    check("unplay previews", status == 201 and fork.get("state") == "ready", answer)
    number = fork.get("id")
    check("the preview's scores are the model's without the player",
          scores(engine, "forks", f"&fork={number}") == model(claims, {7}), scores(engine, "forks", f"&fork={number}"))
    check("the hunt is as it was", scores(engine, "forks") == model(claims))
    status, difference = engine.call("GET", f"/forks/forks/{number}/diff?against=main")
    changed = {row["player"]: row["score"] for row in difference["players"]}
    before, after = model(claims), model(claims, {7})
    expected = {p for p in before | after if before.get(p) != after.get(p)}
    check("the difference names who gained and lost", set(changed) == expected, difference)
    check("with both scores", all(
        (changed[p][0] or 0) == before.get(p, 0) and (changed[p][1] or 0) == after.get(p, 0)
        for p in changed), changed)
    prizes = [(row["treasure"], row["winner"]) for row in difference["prizes"]]
    check("the first prize has a new winner", (1, [7, None]) in prizes and (1, [None, 8]) in prizes,
          prizes)
    status, page = engine.call("GET", f"/forks/forks/{number}/diff?limit=1&parts=players")
    status, rest = engine.call(
        "GET", f"/forks/forks/{number}/diff?limit=100&parts=players&cursor={page['next_cursor']}")
    check("the difference comes in pages",
          page["players"] + rest["players"] == difference["players"])
    status, _ = engine.call("GET", "/forks/players/7?fork=%d" % number)
    check("the player is unknown in the fork", status == 404, status)

    # A stale digest is refused; so is none.
    status, answer = engine.call("POST", f"/forks/forks/{number}/promote")
    check("promotion wants If-Match", status == 428, answer)
    status, answer = engine.call(
        "POST", f"/forks/forks/{number}/promote", headers={"If-Match": '"%s"' % ("0" * 32)})
    check("a stale digest is refused", status == 412, answer)
    third = [(13, 3), (7, 3)]
    play(engine, "forks", third)
    claims += third
    status, answer = engine.call(
        "POST", f"/forks/forks/{number}/promote", headers={"If-Match": '"%s"' % fork["digest"]})
    promoted = (answer or {}).get("fork", {}).get("promoted_at")
    check("the fork is promoted", status == 200 and promoted, answer)
    check("play that went on counts", scores(engine, "forks") == model(claims, {7}), scores(engine, "forks"))
    check("the old line stays readable",
          scores(engine, "forks", f"&as_of={promoted}") == model(claims), scores(engine, "forks", f"&as_of={promoted}"))
    check("and the past before it",
          scores(engine, "forks", f"&as_of={middle}") == model(first), scores(engine, "forks", f"&as_of={middle}"))
    status, hunt = engine.call("GET", "/forks?digest=true")
    digest = hunt["hunt"]["digest"]

    # After a crash the promoted line is the hunt's.
    engine.kill()
    engine.start()
    status, hunt = engine.call("GET", "/forks?digest=true")
    check("a crash keeps the promotion", hunt["hunt"]["digest"] == digest, hunt["hunt"].get("digest"))
    check("and the scores", scores(engine, "forks") == model(claims, {7}))
    check("the old line is readable after a crash",
          scores(engine, "forks", f"&as_of={promoted}") == model(claims))

    # The player may play again: only history was taken out.
    play(engine, "forks", [(7, 3)])
    expected = model(claims, {7})
    expected[7] = 10
    check("an unplayed player can play on", scores(engine, "forks") == expected, scores(engine, "forks"))

    # Rollback.
    now = play(engine, "forks", [(20, 3)])
    play(engine, "forks", [(21, 3), (22, 3), (23, 2)])
    status, answer = engine.call("POST", "/forks/rollback?wait=true", {"to": now})
    fork = (answer or {}).get("fork", {})
    expected[20] = 10
    check("rollback previews", status == 201 and fork.get("state") == "ready", answer)
    check("as if it had never been", scores(engine, "forks", f"&fork={fork.get('id')}") == expected)
    check("while the hunt is as it was", 21 in scores(engine, "forks"))
    status, answer = engine.call("POST", "/forks/rollback?wait=true", {"to": now, "promote": True})
    check("rollback promotes", status == 201 and answer["fork"]["state"] == "promoted", answer)
    check("what came later is gone", scores(engine, "forks") == expected, scores(engine, "forks"))

    # What if: events added, other rules.
    status, answer = engine.call("POST", "/forks/forks?wait=true", {
        "at": "head", "append": [{"kind": "score", "player": 20, "value": 1000}],
        "rules": {"claims_per_player": 0}})
    fork = (answer or {}).get("fork", {})
    check("a fork with events and rules", status == 201 and fork.get("state") == "ready", answer)
    check("has what was added", scores(engine, "forks", f"&fork={fork.get('id')}").get(20) == 1010)
    status, answer = engine.call("POST", "/forks/forks", {"omitt": {}})
    check("an unknown key is named", status == 422 and "omit" in json.dumps(answer), answer)
    status, answer = engine.call("POST", "/forks/forks?wait=true", {"at": 1 << 40})
    check("a place behind the end is refused",
          status == 422 and "end" in json.dumps(answer), answer)
    status, answer = engine.call("POST", "/forks/unplay", {})
    check("unplay of nobody is refused", status == 422, answer)

    # Explanations.
    for player in (8, 9, 20):
        status, answer = engine.call("GET", f"/forks/players/{player}/why")
        total = sum(event["points"] for event in answer["events"])
        check(f"why of player {player} adds up",
              status == 200 and total == answer["score"] == expected[player], answer)
    status, answer = engine.call("GET", "/forks/treasures/1/why")
    check("the prize's award is explained",
          [event["player"] for event in answer["events"]] == [8], answer)

    # Many forks at once; deleted ones are gone.
    made = []
    for player in list(range(100)):
        status, answer = engine.call("POST", "/forks/forks", {"omit": {"producers": [player + 1]}})
        made.append((status, answer))
    check("a hundred forks are made", all(status == 202 for status, _ in made), made[-1])
    last = made[-1][1]["fork"]["id"]
    status, answer = engine.call("GET", f"/forks/forks/{last}?wait=true")
    check("and built", answer["fork"]["state"] == "ready", answer)
    status, answer = engine.call("GET", "/forks/forks")
    states = [fork["state"] for fork in answer["forks"]]
    check("all of them", states.count("ready") >= 100, states)
    for fork in answer["forks"]:
        engine.call("DELETE", f"/forks/forks/{fork['id']}")
    status, answer = engine.call("GET", "/forks/forks")
    check("deleted forks are gone", answer["forks"] == [], answer)
    status, books = engine.call("GET", "/forks/books")
    check("the books balance", books["books"]["balanced"], books)


def kill_promotions(engine, rounds=12):
    """Kills the engine at any moment of a promotion: afterwards the hunt is on the line before or on
    the line after, whole, and on the latter when that was answered."""
    ends = {"before": 0, "after": 0}
    chosen = random.Random(1)
    engine.call("POST", "", HUNT)
    claims = [(player, 3) for player in range(100, 400)] + [(7, 1), (8, 1)]
    play(engine, "forks", claims)
    taken = set()
    for number in range(rounds):
        player = 100 + number
        digests = {}
        status, answer = engine.call("POST", "/forks/unplay?wait=true", {"players": [player]})
        fork = answer["fork"]
        digests["after"] = fork["digest"]
        digests["before"] = engine.call("GET", "/forks?digest=true")[1]["hunt"]["digest"]
        answered = []
        path = f"/forks/forks/{fork['id']}/promote"

        def promote():
            try:
                answered.append(engine.call("POST", path, headers={"If-Match": fork["digest"]})[0])
            except (OSError, http.client.HTTPException, ValueError):
                pass  # killed before it answered

        thread = threading.Thread(target=promote)
        thread.start()
        time.sleep(chosen.uniform(0, 0.012))
        engine.kill()
        thread.join()
        engine.start()
        digest = engine.call("GET", "/forks?digest=true")[1]["hunt"]["digest"]
        side = next((side for side in digests if digests[side] == digest), "neither")
        if answered == [200] and side != "after":
            side = "neither: the promotion was answered"
        ends[side] = ends.get(side, 0) + 1
        if side == "after":
            taken.add(player)
        if scores(engine, "forks") != model(claims, taken):
            ends["other scores"] = ends.get("other scores", 0) + 1
    check("a kill leaves the line before or the line after", set(ends) == {"before", "after"}, ends)
    check("each was met", ends["before"] > 0 and ends["after"] > 0, ends)
    status, books = engine.call("GET", "/forks/books")
    check("the books balance after all of it", books["books"]["balanced"], books)


def unplay_in_demo(program, seconds=8):
    """The leader of a running demo is taken out of its history; the demo says so and goes on."""
    demo = subprocess.Popen(
        [program, "demo", "--seconds", str(seconds), "--players", "300", "--http", "127.0.0.1:0",
         "--stream", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        match = re.search(r"http://(\S+):(\d+)/ +hunt (\w+)", demo.stdout.readline())
        port, hunt = int(match[2]), match[3]
        time.sleep(seconds / 2)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        path = f"/v1/hunts/{hunt}"
        _, _, board = checking.ask(connection, "GET", path + "/boards/all-time?limit=1")
        leader = json.loads(board)["rows"][0]["player"]
        status, _, fork = checking.ask(
            connection, "POST", path + "/unplay?wait=true", {"players": [leader], "promote": True})
        check("the demo's leader is taken out", status < 300, fork)
        out = demo.communicate(timeout=60)[0]
        check("the demo says that its history was changed", "history was changed once" in out, out)
        check("and finds no fault", demo.returncode == 0 and "FAULT" not in out, out)
    finally:
        demo.kill()
        demo.wait()


if __name__ == "__main__":
    sys.exit(main())
