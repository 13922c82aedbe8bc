"""The engine as a process: start, kill, ask over HTTP, and its other commands."""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import signal
import subprocess
import time

from . import check

READY = re.compile(r"ready http=(\S+):(\d+) stream=(\S+):(\d+)")


class Engine:
    """One run of `veltrix serve`; `wait_ready` before anything else is asked."""

    def __init__(self, binary, data, flags):
        self.data = data
        command = [binary, "serve", "--data", data, "--http", "127.0.0.1:0", "--stream",
                   "127.0.0.1:0", *flags]
        self.started = time.monotonic()
        self.errors = open(os.path.join(os.path.dirname(data), "stderr.txt"), "w+b")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.errors, stdin=subprocess.DEVNULL)
        self.ready_seconds = None
        self.is_killed = False

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
        if self.process.poll() is None:
            self.kill()
        self.errors.close()

    # HTTP

    def request(self, method, path, body=None, headers=None, connection=None):
        """Status, headers and parsed body; OSError or HTTPException when the engine is gone."""
        own = connection or http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        try:
            own.request(method, path, body, headers or {})
            answer = own.getresponse()
            data = answer.read()
            return answer.status, answer.headers, json.loads(data) if data else None
        finally:
            if connection is None:
                own.close()

    def get(self, path) -> dict:
        status, _, body = self.request("GET", path)
        check(status == 200, f"GET {path}: {status} {body}")
        return body


def run(binary, *arguments, seconds=120):
    """Status, stdout and stderr of another command of the engine."""
    done = subprocess.run([binary, *arguments], capture_output=True, timeout=seconds, text=True)
    return done.returncode, done.stdout, done.stderr
