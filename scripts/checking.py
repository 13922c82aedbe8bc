"""What the scripts beside it share: the engine as a process, questions over HTTP, and two kinds of
checks, those that count (`Checks`) and those that end a run (`check`).

Standard library only.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import signal
import subprocess
import time

READY = re.compile(r"ready http=(\S+):(\d+) stream=(\S+):(\d+)")


class Violation(Exception):
    """A promise of the engine was not kept; the text says which, and where to look."""


def check(holds, text):
    if not holds:
        raise Violation(text() if callable(text) else text)


class Checks:
    """Prints each check as it is made, and counts those that failed."""

    def __init__(self):
        self.failed = 0

    def __call__(self, name, holds, detail=""):
        print(("ok   " if holds else "FAIL ") + name + ("" if holds else f"  {detail}"), flush=True)
        self.failed += not holds

    def status(self) -> int:
        """The script's own, having said how it went."""
        print(f"{self.failed} failed" if self.failed else "all hold")
        return 1 if self.failed else 0


def ask(connection, method, path, body=None, headers=None):
    """Status, headers and bytes of an answer; a body that is neither bytes nor text goes as JSON."""
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


class Engine:
    """`veltrix serve` on a data folder, one run after the other; what it says to stderr is kept in
    stderr.txt beside the folder."""

    #: Variables that it gets beside those of this process.
    environment = {}

    def __init__(self, program, data, flags=()):
        self.program, self.data, self.flags = program, data, flags
        self.process = self.errors = self.ready_seconds = None
        self.is_killed = False

    def launch(self) -> Engine:
        """Begins a run; `wait_ready` before anything else is asked."""
        self.close()
        self.started = time.monotonic()
        self.errors = open(os.path.join(os.path.dirname(self.data), "stderr.txt"), "w+b")
        self.process = subprocess.Popen(
            [self.program, "serve", "--data", self.data, "--http", "127.0.0.1:0", "--stream",
             "127.0.0.1:0", *self.flags],
            stdout=subprocess.PIPE, stderr=self.errors, stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment})
        self.ready_seconds, self.is_killed = None, False
        return self

    def start(self) -> Engine:
        """Begins a run and waits until it answers."""
        check(self.launch().wait_ready(), lambda: (
            f"the engine did not start: status {self.process.returncode}, {self.said()}"))
        return self

    def wait_ready(self, seconds=30.0) -> bool:
        """False when the process ended instead."""
        text = b""
        deadline = self.started + seconds
        while b"\n" not in text:
            wait = deadline - time.monotonic()
            check(wait > 0, f"{self.data}: the engine was not ready after {seconds} s: {self.said()}")
            if select.select([self.process.stdout], [], [], wait)[0]:
                more = os.read(self.process.stdout.fileno(), 4096)
                if not more:
                    self.process.wait(10)
                    return False
                text += more
        match = READY.match(text.decode())
        check(match, f"the first line was {text!r}")
        self.http_port, self.stream_port = int(match[2]), int(match[4])
        self.ready_seconds = time.monotonic() - self.started
        return True

    def said(self) -> str:
        """What the engine wrote to stderr so far."""
        self.errors.flush()
        with open(self.errors.name, "rb") as file:
            return file.read().decode(errors="replace").strip()

    def kill(self):
        self.is_killed = True
        self.process.send_signal(signal.SIGKILL)
        self._ended(10)

    def terminate(self):
        """SIGTERM, which must end it with status 0."""
        self.is_killed = True
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self._ended(20)
        except subprocess.TimeoutExpired:
            self.kill()
            check(False, "SIGTERM did not end the engine within 20 s")
        check(status == 0, f"SIGTERM ended the engine with status {status}: {self.said()}")

    def _ended(self, seconds):
        status = self.process.wait(seconds)
        self.process.stdout.close()
        return status

    def check_alive(self):
        check(self.process.poll() is None, lambda: (
            f"the engine ended by itself with status {self.process.returncode}: {self.said()}"))

    def close(self):
        """Kills what still runs."""
        if self.process is not None:
            if self.process.poll() is None:
                self.kill()
            self.errors.close()
            self.process = None

    # HTTP

    @property
    def http(self) -> str:
        return f"127.0.0.1:{self.http_port}"

    def connect(self, seconds=20):
        return http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=seconds)

    def request(self, method, path, body=None, headers=None, connection=None):
        """Status, headers and parsed body; OSError or HTTPException when the engine is gone."""
        own = connection or self.connect()
        try:
            status, answered, data = ask(own, method, path, body, headers)
            return status, answered, json.loads(data) if data else None
        finally:
            if connection is None:
                own.close()

    def call(self, method, path, body=None, headers=None):
        """Status and parsed body of a question about hunts, which may take a minute."""
        connection = self.connect(60)
        try:
            status, _, form = self.request(method, "/v1/hunts" + path, body, headers, connection)
            return status, form
        finally:
            connection.close()

    def get(self, path) -> dict:
        status, _, body = self.request("GET", path)
        check(status == 200, f"GET {path}: {status} {body}")
        return body


def small_hunt(name) -> str:
    """Three treasures on a field of 4 x 4, each at its number's place, and a claim of each a player."""
    return f"""
hunt: {name}
world:
  text: |
    type octile
    height 4
    width 4
    map
    ....
    ....
    ....
    ....
rules: {{speed_max: any, walls: false, claims_per_player: 1}}
boards: [{{name: all, window: none}}]
treasures:
  - {{id: 1, x: 1, y: 1, points: 1000, stock: 1}}
  - {{id: 2, x: 2, y: 2, points: 50, stock: 2}}
  - {{id: 3, x: 3, y: 3, points: 10, stock: 10000}}
"""


def play(engine, hunt, claims, kind="claim"):
    """Sends each claim from the treasure's own place; the journal offset after the last.

    Treasure n lies at (n, n).
    """
    events = []
    for player, treasure in claims:
        events.append({"kind": "move", "player": player, "x": treasure, "y": treasure})
        events.append({"kind": kind, "player": player, "treasure": treasure})
    offset = 0
    for at in range(0, len(events), 1000):
        status, answer = engine.call("POST", f"/{hunt}/events", events[at:at + 1000])
        check(status == 200, f"events: {status} {answer}")
        offset = answer["offset"]
    return offset


def scores(engine, hunt, query=""):
    """Every player's score on the board `all`, by player; the whole answer when it is no board."""
    status, board = engine.call("GET", f"/{hunt}/boards/all?limit=1000{query}")
    return {row["player"]: row["score"] for row in board["rows"]} if status == 200 else board


def run(binary, *arguments, seconds=120):
    """Status, stdout and stderr of another command of the engine."""
    done = subprocess.run([binary, *arguments], capture_output=True, timeout=seconds, text=True)
    return done.returncode, done.stdout, done.stderr
