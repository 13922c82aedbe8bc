#!/usr/bin/env python3
"""Checks searches asked for over a WebSocket against the same over HTTP.

usage: check-queries.py VELTRIX [--seed N] [--queries N]

  VELTRIX       the program; it is started on a data folder of its own
  --seed N      of the queries, good and bad                                      default 1
  --queries N   how many, 1...100,000                                             default 400

The client is the `websockets` library (python3-websockets in Debian), which this project did not
write. Exits 0 when nothing failed, 1 otherwise, 3 without the library.

Verifies that every query, now, of a fork and of the past, has over both carriers the same status
and the same body but for the offset; that what makes no sense is told and ends nothing; that a
connection may have 8 queries waiting and is told of the ninth; that one that reads nothing delays
nobody and has its answers afterwards; that viewers' updates come without a gap in between. Does
not verify that the answers are right (check-api.py and check-worlds.py do), nor latency.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import urllib.parse

try:
    import websockets
except ImportError:
    print("check-queries: the websockets library is missing (python3-websockets)", file=sys.stderr)
    sys.exit(3)

from checking import Checks, Engine

check = Checks()
SIDE = 250


def make(engine):
    """A hunt with walls, treasures, players and a fork of it; the offset before the last moves."""
    # Who joins at (0, 0) has no place yet.
    rows = ["".join("@" if x + y == 0 or x % 7 == 3 and (x * 31 + y * 17) % 11 else "." for x in range(SIDE))
            for y in range(SIDE)]
    world = f"type octile\nheight {SIDE}\nwidth {SIDE}\nmap\n" + "\n".join(rows) + "\n"
    status, answer = engine.call("POST", "", {
        "hunt": "town", "world": {"text": world}, "rules": {"speed_max": "any", "walls": False},
        "treasures": [{"id": at, "x": at * 5 % SIDE - at * 5 % SIDE % 7, "y": at * 11 % SIDE}
                      for at in range(1, 40)]})
    check("a hunt is made", status == 201, answer)
    events = [{"kind": "join", "player": name, "x": at * 7, "y": at} for at, name in
              enumerate((1, 2, "Zoë", 4, "name with spaces"))] + [{"kind": "join", "player": 6}]
    status, answer = engine.call("POST", "/town/events", events)
    check("players join", status == 200, answer)
    place = answer["offset"]
    engine.call("POST", "/town/events", [{"kind": "move", "player": 1, "x": 98, "y": 9}])
    status, answer = engine.call("POST", "/town/forks?wait=true", {"at": place})
    check("a fork is made", status == 201, answer)
    return place, answer["fork"]["id"]


def draw(rng, place, fork):
    """One query's members; two in three make sense."""
    def spot():
        return f"{rng.randrange(-2, SIDE + 2)},{rng.randrange(SIDE)}"

    def start():
        return rng.choice([
            {"from": spot()}, {"from": spot()}, {"player": rng.choice([1, 2, "Zoë", "nobody", 6])},
            {"player": "name with spaces"}, {"from": "1,x"}, {"from": spot(), "player": 1}, {}])

    def goal():
        return rng.choice([{"to": spot()}, {"to": spot()}, {"treasure": rng.randrange(45)},
                           {"treasure": "x"}, {}])

    word = rng.choice(["hint", "path", "path", "nearest", "reachable"])
    members = {"hint": lambda: {"player": rng.choice([1, "1", "Zoë", "nobody", 6])},
               "path": lambda: {**start(), **goal()},
               "nearest": lambda: {**start(), "k": rng.choice([1, 8, "3", 0, 101, "x"])},
               "reachable": lambda: {**start(), "cost": rng.choice([0, 300_000, -1, 2 ** 32])}}[word]()
    more = rng.choice([{}, {}, {}, {"fork": fork}, {"fork": "main"}, {"as_of": place}, {"fork": 77},
                       {"as_of": 10 ** 9}, {"fork": fork, "as_of": place}, {"fork": "x"}])
    return word, {**members, **more}


def over_http(engine, word, members):
    members = dict(members)
    path = f"/v1/hunts/town/{word}"
    if word == "hint":
        path = f"/v1/hunts/town/players/{urllib.parse.quote(str(members.pop('player')))}/hint"
    status, _, body = engine.request("GET", path + "?" + urllib.parse.urlencode(members))
    return status, body


def bare(body):
    """Without where in the journal it was taken: the clock goes on."""
    return {key: value for key, value in body.items() if key not in ("offset", "durable")}


async def ask(socket, number, word, members, hunt="town"):
    await socket.send(json.dumps(
        {"ask": {"id": number, "hunt": hunt, "query": word, **members}}, ensure_ascii=False))


async def answer(socket):
    """The next answer; other messages are left out."""
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 20))
        if message["type"] == "answer":
            return message


async def both_carriers(engine, url, rng, count, place, fork):
    wrong, statuses = [], set()
    async with websockets.connect(url) as socket:
        for number in range(count):
            word, members = draw(rng, place, fork)
            await ask(socket, number, word, members)
            message = await answer(socket)
            status, body = over_http(engine, word, members)
            statuses.add(status)
            same = (message["id"], message["status"]) == (number, status)
            if not same or bare(message["body"]) != bare(body):
                wrong.append(f"{word} {members}: {str(message)[:300]}, not {status} {str(body)[:300]}")
    check(f"{count} queries are answered as over HTTP", not wrong, wrong[:3])
    check("they reach every kind of answer", statuses >= {200, 400, 404, 409, 422}, statuses)


async def nonsense(url):
    async with websockets.connect(url) as socket:
        for text in ("", "x", "[]", "{}", '{"ask":5}', '{"ask":{}}', '{"ask":{"id":"7"}}',
                     '{"ask":{"id":-1}}', '{"ask":{"id":1.5}}', '{"ask":{"id":1},"subscribe":{}}',
                     '{"ask":{"id":9007199254740993}}', '{"ask":{"id":1,"x":"' + "y" * 4096 + '"}}'):
            await socket.send(text)
            told = json.loads(await asyncio.wait_for(socket.recv(), 10))
            check(f"{text[:30]!r} is told to make no sense",
                  (told["type"], told.get("code")) == ("error", "bad_message"), told)
        for members, status, code, field in (
                ({}, 400, "bad_parameter", "query"),
                ({"query": "where"}, 400, "bad_parameter", "query"),
                ({"query": "path", "hunt": "none"}, 404, "unknown_hunt", None),
                ({"query": "path", "form": "1,1"}, 400, "bad_parameter", "form"),
                ({"query": "nearest", "from": [1, 1]}, 400, "bad_parameter", "from"),
                ({"query": "nearest", "from": None}, 400, "bad_parameter", "from"),
                ({"query": "hint"}, 400, "bad_parameter", "player")):
            await socket.send(json.dumps({"ask": {"id": 3, "hunt": "town", **members}}))
            told = await answer(socket)
            error = told["body"]["error"]
            check(f"{members} is refused",
                  (told["id"], told["status"], error["code"], error.get("field"))
                  == (3, status, code, field), told)
        # A message in three pieces is one message.
        text = json.dumps({"ask": {"id": 4, "hunt": "town", "query": "nearest", "from": "1,1"}})
        await socket.send([text[:9], text[9:20], text[20:]])
        check("a message in pieces is answered", (await answer(socket))["status"] == 200)
    async with websockets.connect(url) as socket:
        await socket.send(b'{"ask":{"id":1}}')
        try:
            await asyncio.wait_for(socket.recv(), 10)
            check("bytes in place of text close the connection", False)
        except websockets.ConnectionClosed as closed:
            check("bytes in place of text close the connection", closed.code == 1003, closed)


LONG = {"from": "1,0", "to": f"{SIDE - 4},{SIDE - 1}"}


async def many_at_once(url):
    async with websockets.connect(url) as socket:
        for number in range(40):
            await ask(socket, number, "path", LONG)
        answers = [await answer(socket) for _ in range(40)]
    check("each of 40 at once has one answer",
          sorted(row["id"] for row in answers) == list(range(40)), answers)
    found = [row for row in answers if row["status"] == 200]
    refused = [row["body"]["error"]["code"] for row in answers if row["status"] == 429]
    check("at least 8 are found and the others told to wait",
          len(found) >= 8 and len(found) + len(refused) == 40 and set(refused) <= {"busy"},
          f"{len(found)} found, {refused}")


def resident(engine):
    """MiB that the engine holds."""
    with open(f"/proc/{engine.process.pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) >> 10


async def slow_reader(engine, url):
    """One client asks for long ways and reads nothing; another is served meanwhile."""
    before = resident(engine)
    async with websockets.connect(url, max_queue=1, read_limit=1024, ping_interval=None) as slow:
        slow.transport.pause_reading()
        asked = 0

        async def flood():
            nonlocal asked
            while True:
                asked += 1
                await ask(slow, asked, "path", LONG)
                await asyncio.sleep(0.002)

        task, slowest, served = asyncio.create_task(flood()), 0, 0
        async with websockets.connect(url) as other:
            until = asyncio.get_running_loop().time() + 8
            while (started := asyncio.get_running_loop().time()) < until:
                await ask(other, served, "nearest", {"from": "1,1"})
                told = await answer(other)
                slowest = max(slowest, asyncio.get_running_loop().time() - started)
                served += told["status"] == 200
                await asyncio.sleep(0.01)
        check("another client is served meanwhile", served > 100 and slowest < 2,
              f"{served} answers, the slowest after {slowest:.2f} s")
        grown = resident(engine) - before
        check("what waits unread is bounded", grown < 64, f"{grown} MiB more than before")
        print(f"     {asked} long ways asked for in 8 s by a client that reads nothing; {served} answers"
              f" to another, the slowest after {slowest * 1e3:.0f} ms; {grown} MiB more")
        # The flood goes on while the answers are read, until as many as had been asked for came.
        slow.transport.resume_reading()
        wanted, numbers = asked, []
        while len(numbers) < wanted:
            numbers.append((await answer(slow))["id"])
        task.cancel()
        check("it has its answers afterwards, each once", len(set(numbers)) == wanted, numbers[-9:])


async def beside_updates(engine, url):
    async with websockets.connect(url) as socket:
        await socket.send('{"subscribe":{"hunt":"town"}}')
        sequence, answers, deltas, number = None, 0, 0, 0
        while deltas < 20:
            if number % 5 == 0:
                engine.call("POST", "/town/events",
                            [{"kind": "move", "player": 1, "x": number % 3, "y": 1}])
            await ask(socket, number, "hint", {"player": 1})
            number += 1
            while True:
                message = json.loads(await asyncio.wait_for(socket.recv(), 10))
                if message["type"] == "answer":
                    answers += 1
                    break
                if message["type"] == "snapshot":
                    sequence = message["seq"]
                elif message["type"] == "delta":
                    if message["seq"] != sequence + 1:
                        check("deltas come without a gap", False, message)
                    sequence, deltas = message["seq"], deltas + 1
    check("updates and answers share a connection", answers == number, f"{answers} of {number}")


async def run(engine, options):
    place, fork = make(engine)
    url = f"ws://{engine.http}/v1/live"
    await both_carriers(engine, url, random.Random(options.seed), options.queries, place, fork)
    await nonsense(url)
    await many_at_once(url)
    await slow_reader(engine, url)
    await beside_updates(engine, url)
    engine.check_alive()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--queries", type=int, default=400)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="veltrix-queries-")
    engine = Engine(os.path.abspath(options.program), os.path.join(folder, "data")).start()
    try:
        asyncio.run(run(engine, options))
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
    return check.status()


if __name__ == "__main__":
    sys.exit(main())
