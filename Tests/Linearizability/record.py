#!/usr/bin/env python3
"""Records what many clients were told about treasures, and has the history checked.

    record.py --binary .build/release/veltrix --seconds 8 --seed 1 [--history FILE]

Clients of the stream protocol and of HTTP (with sequences, and with idempotency keys) claim, spawn and
despawn a few hot treasures at once, readers ask for their stock, viewers on WebSockets and server-sent
events watch claims. The engine is killed with SIGKILL every second or so, now and then stopped with SIGTERM,
and started again on the same folder. A client whose answer was lost sends the same event again until it is
answered, or gives up and leaves its operation open.

What counts as answered: outcomes acknowledged durable; reads once something durable is at or behind their
offset; claims that viewers saw. checker.py judges the history (docs/formats/history.md). Then three spoiled
copies of it (a winner too many, a granted claim gone, a stale read) have to be refused.

With --canary clients ask for answers of level `applied`, of an engine that flushes twice a second, and
believe them as if they were durable: some crash takes one back, and the run has to be refused.

Not checked: answers of level `applied`; reads that were never confirmed durable are left out.
Exit: 0 linearizable (with --canary: refused), 1 not so, or the engine failed, 2 bad usage.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path[:0] = [HERE, os.path.join(ROOT, "scripts"), os.path.join(ROOT, "clients", "python")]

import checker  # noqa: E402
from checking import Engine, Violation, check  # noqa: E402
from veltrix import frames  # noqa: E402
from veltrix.codes import Ack, Disposition, FrameType, Kind, Result, word  # noqa: E402
from veltrix.events import Event, Outcome  # noqa: E402
from veltrix.frames import Hello, Refusal  # noqa: E402
from viewers import Viewer  # noqa: E402

NAME = "history"
PLAYERS, TREASURES, HOT, USES = 14, 4_000, 3, 60
# A run of so many seconds has to meet all of these, or it shows too little.
LONG = 5
NEEDED = [
    "claim ok", "claim no_stock", "claim already_claimed", "claim unknown_treasure", "spawn ok",
    "spawn treasure_exists", "despawn ok", "read", "seen by websocket", "seen by sse", "given up"]


class Lost(Exception):
    """The connection went before the answer came."""


class History:
    """Rows as they happen; one lock, so that their order is that of the clock."""

    def __init__(self):
        self.rows, self.lock, self.processes = [], threading.Lock(), 0
        self.began = time.monotonic_ns()

    def process(self) -> int:
        with self.lock:
            self.processes += 1
            return self.processes

    def write(self, *rows):
        with self.lock:
            at = time.monotonic_ns() - self.began
            for process, kind, operation, treasure, value in rows:
                self.rows.append(dict(process=process, type=kind, operation=operation,
                                      treasure=treasure, value=value, time=at))


class Table:
    """The engine of the moment, and the treasures that everybody is after."""

    def __init__(self, history, seed):
        self.history, self.random = history, random.Random(seed)
        self.stocks = [self.random.randint(1, 6) for _ in range(TREASURES)]
        self.engine, self.changed, self.is_over = None, threading.Condition(), False
        self.lock, self.uses, self.next, self.used = threading.Lock(), {}, 1, []
        for _ in range(HOT):
            self._add()

    def _add(self):
        number, self.next = self.next, self.next + 1
        check(number <= TREASURES, "all treasures are used up")
        self.uses[number] = 0
        self.used.append(number)
        # Listed in the hunt's file: as if spawned before anything else.
        self.history.write((0, "invoke", "spawn", number, {"stock": self.stocks[number - 1]}),
                           (0, "ok", "spawn", number, {"result": "ok"}))

    def pick(self, random) -> int:
        with self.lock:
            number = random.choice(list(self.uses))
            self.uses[number] += 1
            if self.uses[number] >= USES:
                del self.uses[number]
                self._add()
            return number

    def hot(self):
        with self.lock:
            return sorted(self.uses)

    def running(self) -> Engine:
        """The engine, waited for when there is none; Lost at the end of the run."""
        with self.changed:
            while self.engine is None:
                if not self.changed.wait(60):
                    raise Violation("no engine for 60 s")
            return self.engine

    def set(self, engine):
        with self.changed:
            self.engine = engine
            self.changed.notify_all()


class Client(threading.Thread):
    """Orders one event after the other, each until it is answered or given up."""

    def __init__(self, table, history, producer, seed):
        super().__init__(daemon=True)
        self.table, self.history, self.producer = table, history, producer
        self.random, self.sequence, self.error = random.Random(seed), 0, None
        self.number, self.engine, self.stopping = history.process(), None, False
        self.ack = Ack.DURABLE
        self.told = Counter()

    def run(self):
        try:
            while not self.stopping:
                self.step()
        except Exception as error:
            traceback.print_exc()
            self.error = error
        finally:
            self.disconnect()

    def step(self):
        treasure = self.table.pick(self.random)
        roll, name, value = self.random.random(), "claim", {}
        # Viewers tell of claims, not of generations: odd treasures stay as they are.
        if treasure % 2 == 0 and roll < 0.16:
            name = "spawn" if roll < 0.08 else "despawn"
        if name == "claim":
            value = {"player": self.random.randint(1, PLAYERS)}
        elif name == "spawn":
            value = {"stock": self.random.randint(1, 3)}
        self.sequence += 1
        self.history.write((self.number, "invoke", name, treasure, value))
        is_again = False
        while True:
            try:
                outcome = self.order(name, treasure, value)
                break
            except Lost:
                self.disconnect()
                is_again = True
                if self.stopping or self.random.random() < 0.35:
                    self.history.write((self.number, "info", name, treasure, None))
                    self.number = self.history.process()
                    self.told["given up"] += 1
                    return
        disposition, result, left = outcome
        if disposition == Disposition.DUPLICATE:
            check(is_again, f"{name} {value} of {treasure} was sent once and is a duplicate")
            answer = None
        else:
            check(disposition == Disposition.APPLIED, f"{name} of {treasure}: {outcome}")
            answer = {"result": result}
            if name == "claim" and result in ("ok", "no_stock"):
                answer["left"] = left
        self.told[f"{name} {'happened' if answer is None else result}"] += 1
        self.history.write((self.number, "ok", name, treasure, answer))

    def connected(self):
        """Whether the connection is to the engine that runs; waits for one."""
        engine = self.table.running()
        if engine is not self.engine:
            self.disconnect()
            try:
                self.connect(engine)
            except (OSError, http.client.HTTPException):
                # Nothing was sent on it yet; the engine may be on its way out.
                time.sleep(0.01)
                raise Lost from None
            self.engine = engine

    def disconnect(self):
        if self.engine is not None:
            self.close()
            self.engine = None


class StreamClient(Client):
    def connect(self, engine):
        self.batch, self.received = 0, bytearray()
        self.socket = socket.create_connection(("127.0.0.1", engine.stream_port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(
            frames.encode(FrameType.HELLO, 0, 1, Hello(self.producer, NAME, self.ack).pack()))
        if self.read().type != FrameType.WELCOME:
            raise ConnectionError("no welcome")

    def close(self):
        self.socket.close()

    def read(self):
        while True:
            frame = frames.decode(self.received)
            if frame is not None:
                del self.received[:frame.size]
                return frame
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionError("closed")
            self.received += data

    def order(self, name, treasure, value):
        self.connected()
        if name == "spawn":
            event = Event.spawn(treasure, 1, 1, 5, value["stock"])
        else:
            event = Event(Kind[name.upper()], player=value.get("player", 0), treasure=treasure)
        event.sequence = self.sequence
        while True:
            self.batch += 1
            try:
                self.socket.sendall(frames.encode(FrameType.EVENTS, self.batch, 1, event.pack()))
                frame = self.read()
                while frame.type == FrameType.ACKNOWLEDGEMENT:
                    frame = self.read()
            except OSError:
                raise Lost from None
            check(frame.batch == self.batch, f"an answer to batch {frame.batch}, not {self.batch}")
            if frame.type == FrameType.OUTCOMES:
                outcome = Outcome.unpack(frame.payload)
                check(self.ack != Ack.DURABLE or not outcome.flags & Outcome.PROVISIONAL,
                      f"provisional: {outcome}")
                return outcome.disposition, word(Result, outcome.result), outcome.stock_left
            check(frame.type == FrameType.BUSY, f"a frame of type {frame.type}")
            time.sleep(Refusal.unpack(frame.payload).retry_ms / 1000)


class WebClient(Client):
    """Over HTTP; `is_keyed` with an idempotency key in place of a sequence."""

    is_keyed = False

    def connect(self, engine):
        self.connection = http.client.HTTPConnection("127.0.0.1", engine.http_port, timeout=20)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.connection.close()

    def ask(self, method, path, body=None, headers=None):
        self.connected()
        try:
            self.connection.request(method, f"/v1/hunts/{NAME}{path}", body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            raise Lost from None

    def order(self, name, treasure, value):
        form = dict(kind=name, treasure=treasure, **value)
        headers = {}
        if name == "spawn":
            form.update(x=1, y=1, points=5)
        if self.is_keyed:
            headers["Idempotency-Key"] = f"{self.producer}-{self.sequence}"
        else:
            form.update(producer=self.producer, sequence=self.sequence)
        while True:
            status, answer = self.ask(
                "POST", f"/events?ack={word(Ack, self.ack)}", json.dumps(form), headers)
            if status not in (429, 503):
                break
            time.sleep(0.05)
        check(status == 200, f"{form}: {status} {answer}")
        outcome = answer["outcomes"][0]
        return (Disposition[outcome["disposition"].upper()], outcome["result"],
                outcome.get("stock_left"))


class KeyedClient(WebClient):
    is_keyed = True


class Reader(WebClient):
    """Reads the hot treasures; a read counts once what it showed is durable."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.numbers = [self.history.process() for _ in range(HOT)]

    def step(self):
        self.read_all(self.table.hot())
        time.sleep(self.random.random() * 0.01)

    def read_all(self, treasures):
        rows = list(zip(self.numbers, treasures))
        self.history.write(*((number, "invoke", "read", one, {}) for number, one in rows))
        try:
            first = min(treasures)
            cursor = f"&cursor={first - 1}" if first > 1 else ""
            status, answer = self.ask(
                "GET", f"/treasures?limit={max(treasures) - first + 1}{cursor}")
            check(status == 200, f"treasures: {status} {answer}")
            found = {row["id"]: row for row in answer["treasures"]}
            durable = answer["durable"]
            while durable < answer["offset"]:
                # Only what is durable has to last: a crash may take back the rest of what was shown.
                engine = self.engine
                status, hunt = self.ask("GET", "")
                check(status == 200, f"hunt: {status} {hunt}")
                if self.engine is not engine:
                    raise Lost
                durable = hunt["durable"]
        except Lost:
            self.disconnect()
            self.history.write(*((number, "fail", "read", one, None) for number, one in rows))
            self.told["read lost"] += 1
            return False
        for number, one in rows:
            row = found[one]
            value = {"exists": row["state"] != "removed"}
            if value["exists"]:
                value.update(free=row["free"], claimed=row["claimed"])
            self.history.write((number, "ok", "read", one, value))
        self.told["read"] += len(rows)
        return True


class Watcher(threading.Thread):
    """Notes each claim that a viewer is told of."""

    def __init__(self, table, history, kind):
        super().__init__(daemon=True)
        self.table, self.history, self.kind = table, history, kind
        self.number, self.error, self.stopping, self.told = history.process(), None, False, Counter()
        self.viewer = None

    def run(self):
        while not self.stopping:
            try:
                engine = self.table.running()
                self.viewer = Viewer(engine.http_port, NAME, self.kind)
                for message in self.viewer.messages():
                    self._take(message)
            except OSError:
                time.sleep(0.01)
            except Exception as error:
                traceback.print_exc()
                self.error = error
                return

    def _take(self, message):
        for one in message.get("claims", ()):
            if one["treasure"] % 2:
                self.history.write(
                    (self.number, "invoke", "seen", one["treasure"], {"player": one["player"]}),
                    (self.number, "ok", "seen", one["treasure"], {"won": True}))
                self.told[f"seen by {self.kind}"] += 1


def hunt_file(stocks) -> bytes:
    return json.dumps(dict(
        hunt=NAME,
        world=dict(neighbours=8, text="type octile\nheight 3\nwidth 3\nmap\n...\n...\n...\n"),
        limits=dict(players=64, treasures=TREASURES, claims=262_144, producers=64, gaps=4_096,
                    idempotency_keys=262_144, names=8),
        rules=dict(speed_max="any", walls=False, claims_per_player=1),
        treasures=[dict(id=number, x=1, y=1, points=5, stock=stock, reach=2)
                   for number, stock in enumerate(stocks, 1)])).encode()


class Recording:
    def __init__(self, options, data):
        self.options, self.data = options, data
        self.random = random.Random(options.seed)
        self.history = History()
        self.table = Table(self.history, self.random.random())
        self.ends = Counter()
        makes = [StreamClient] * options.clients + [WebClient, KeyedClient] * (options.clients // 2)
        makes += [Reader] * 2
        self.clients = [
            make(self.table, self.history, 1_000 + at, self.random.random())
            for at, make in enumerate(makes)]
        if options.canary:
            for one in self.clients:
                one.ack = Ack.APPLIED
        self.watchers = [Watcher(self.table, self.history, kind) for kind in ("websocket", "sse")]

    def start(self):
        engine = Engine(self.options.binary, self.data, [
            "--log-level", "error", "--disk-reserve", "0", "--segment-size", "1MiB",
            "--digest-every", "1000", "--snapshot-every-events", "5000", "--snapshot-every", "300ms",
            "--snapshot-rate", "0",
            *(("--durability", "interval", "--flush-interval", "500ms") if self.options.canary else ())]).launch()
        check(engine.wait_ready(), lambda: f"the engine did not start: {engine.said()}")
        return engine

    def prepare(self):
        engine = self.start()
        status, _, answer = engine.request("POST", "/v1/hunts", hunt_file(self.table.stocks))
        check(status == 201, f"the hunt was not made: {status} {answer}")
        joins = "\n".join(json.dumps(dict(kind="join", player=player, x=1, y=1))
                          for player in range(1, PLAYERS + 1))
        status, _, answer = engine.request("POST", f"/v1/hunts/{NAME}/events", joins)
        check(status == 200 and answer["counts"]["applied"] == PLAYERS, f"joins: {answer}")
        self.table.set(engine)

    def run(self):
        everybody = self.clients + self.watchers
        self.prepare()
        for one in everybody:
            one.start()
        until = time.monotonic() + self.options.seconds
        # What a run has to meet depends on what runs beside it; it goes on until it has.
        latest = until + (60 if self.options.seconds >= LONG and not self.options.canary else 0)
        while time.monotonic() < until or time.monotonic() < latest and missing(told_by(everybody)):
            time.sleep(0.2 + self.random.random() * 1.2)
            self._check(everybody)
            if time.monotonic() < until or missing(told_by(everybody)):
                self._crash()
        # Once more, so that what was answered last is looked for in what came back.
        self._crash()
        for one in everybody:
            one.stopping = True
        deadline = time.monotonic() + 30
        for one in everybody:
            # A watcher may be about to open another connection: closed until it ends.
            while one.is_alive() and time.monotonic() < deadline:
                if isinstance(one, Watcher) and one.viewer is not None:
                    one.viewer.close()
                one.join(0.1)
            check(not one.is_alive(), f"{one} does not end")
        self._check(everybody)
        last = Reader(self.table, self.history, 1, 1)
        for at in range(0, len(self.table.used), HOT):
            check(last.read_all(self.table.used[at:at + HOT]), "the last read failed")
        last.disconnect()
        self.table.engine.terminate()
        self.table.engine.close()
        told = told_by(everybody)
        print("record: " + ", ".join(f"{count} {what}" for what, count in sorted(told.items())))
        return told

    def _crash(self):
        engine, how = self.table.engine, "kill" if self.random.random() < 0.85 else "term"
        engine.check_alive()
        self.table.set(None)
        engine.kill() if how == "kill" else engine.terminate()
        engine.close()
        self.ends[how] += 1
        self.table.set(self.start())

    def _check(self, everybody):
        for one in everybody:
            if one.error is not None:
                raise one.error


def told_by(everybody) -> Counter:
    """What all of them were told, by kind; they may be running."""
    return sum((Counter(dict(one.told)) for one in everybody), Counter())


def missing(told) -> list[str]:
    """What a run has to meet and has not."""
    never = [what for what in NEEDED if not told[what]]
    if not any(what.endswith("happened") for what in told):
        never.append("a lost answer asked for again")
    return never


def spoiled(rows, pick):
    """Copies of the history with one lie each; None where it has no place for it."""
    lines = [json.dumps(row) for row in rows]
    unsure = {row["treasure"] for row in rows
              if row["type"] == "info" or row["type"] == "ok" and row["value"] is None}
    sure = [at for at, row in enumerate(rows)
            if row["treasure"] % 2 and row["treasure"] not in unsure and row["type"] == "ok"]

    def lie(name, is_wanted, change):
        places = [at for at in sure if is_wanted(rows[at])]
        if not places:
            return name, None
        at = pick.choice(places)
        return name, lines[:at] + [json.dumps(change(rows[at]))] + lines[at + 1:]

    def result(row):
        return row["operation"] == "claim" and row["value"]["result"]

    yield lie("a winner too many", lambda row: result(row) == "no_stock",
              lambda row: {**row, "value": {"result": "ok", "left": 0}})
    yield lie("a granted claim that never was", lambda row: result(row) == "ok",
              lambda row: {**row, "type": "fail", "value": None})
    last = {row["treasure"]: at for at, row in enumerate(rows) if row["operation"] == "read"}
    yield lie(
        "a stale read",
        lambda row: row["operation"] == "read" and rows[last[row["treasure"]]] is row
        and row["value"]["claimed"] > 0,
        lambda row: {**row, "value": {"exists": True, "free": row["value"]["free"] + 1,
                                      "claimed": row["value"]["claimed"] - 1}})


def judge(recording, told, path) -> bool:
    rows = recording.history.rows
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    with open(path, encoding="utf-8") as file:
        is_good = checker.report(checker.read(file), lambda text: print(f"record: {text}"))
    if not is_good or recording.options.canary:
        return is_good
    for name, lines in spoiled(rows, recording.random):
        check(lines is not None, f"nothing to spoil: {name}")
        check(not checker.report(checker.read(lines), lambda text: None),
              f"the checker accepts {name}")
    if recording.options.seconds >= LONG:
        never = missing(told)
        check(not never, f"the run never met: {', '.join(never)}")
    return True


def main():
    parser = argparse.ArgumentParser(
        description="Records what clients are told about treasures, and has it checked.")
    parser.add_argument("--binary", required=True, help="the veltrix executable")
    parser.add_argument("--seconds", type=float, default=8, help="1...86400, default 8")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule, default 1")
    parser.add_argument("--clients", type=int, default=8,
                        help="of the stream, and as many of HTTP, 2...24, default 8")
    parser.add_argument("--canary", action="store_true",
                        help="believe answers that are not durable; the run has to be refused")
    parser.add_argument("--history", help="file to keep the history in; default a temporary one")
    options = parser.parse_args()
    if not (1 <= options.seconds <= 86_400 and 2 <= options.clients <= 24
            and os.access(options.binary, os.X_OK)):
        parser.error("a value is out of range, or --binary cannot be run")
    base = tempfile.mkdtemp(prefix="veltrix-history-")
    path = options.history or os.path.join(base, "history.jsonl")
    recording = Recording(options, os.path.join(base, "data"))
    told = None
    try:
        told = recording.run()
        is_good = judge(recording, told, path)
    except Exception as error:
        if not isinstance(error, Violation):
            traceback.print_exc()
        print(f"record: FAILED: {error}", flush=True)
        is_good = False
    finally:
        if recording.table.engine is not None:
            recording.table.engine.close()
    if options.canary and told is not None:
        print("record: the canary was " + ("NOT refused" if is_good else "refused, as it should be"))
        shutil.rmtree(base)
        return 1 if is_good else 0
    if not is_good:
        print(f"record: seed {options.seed}: kept {base}; history {path}")
        return 1
    print(f"record: seed {options.seed}: {recording.ends['kill']} kills, {recording.ends['term']} "
          f"stops: linearizable, and three spoiled copies were refused")
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
