"""A sender over HTTP: bodies of NDJSON, with an Idempotency-Key or with sequences."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import List, Optional

from veltrix.codes import Disposition, Kind, Result
from veltrix.events import Event

from checking import Violation, check
from .ledger import EPOCH, Ledger, Line, random_event
from .model import ANONYMOUS

_FAULTS = (
    ('{"kind":"dance","player":1}', Result.UNKNOWN_KIND),
    ('{"kind":"reserve","player":1,"treasure":1}', Result.UNSUPPORTED_KIND),
    ('{"kind":"move","player":1,"x":1.5,"y":0}', Result.WRONG_TYPE),
    ('{"kind":"move","player":1,"xx":1}', Result.UNKNOWN_FIELD),
    ('{"kind":"score","player":1}', Result.MISSING_FIELD),
    ('{"kind":"score","player":1,"points":1,"points":2}', Result.REPEATED_FIELD),
    ('{"kind":"score","player":1,"points":1', Result.MALFORMED),
)


class Body:
    """One request, which may be sent several times."""

    def __init__(self, lines: List[Line], texts: List[str], key: Optional[str], is_atomic, ledger):
        self.lines, self.key, self.is_atomic, self.ledger = lines, key, is_atomic, ledger
        self.text = "\n".join(texts).encode()
        self.is_settled = False

    @property
    def is_refused_whole(self):
        return self.is_atomic and any(line.rejection is not None for line in self.lines)

    @property
    def events(self):
        return [line.event for line in self.lines if line.rejection is None]


class WebSender:
    def __init__(self, name, producer, hunt, seed, rounds):
        self.name = name
        self.keyed, self.numbered = Ledger(ANONYMOUS), Ledger(producer)
        self.path = f"/v1/hunts/{hunt}/events"
        self.random = random.Random(seed)
        self.bodies: List[Body] = []
        self.error = None
        self.run = 0
        self.next_key = 1
        #: Events with a key that each round may bring; in all, fewer than the hunt remembers keys.
        self.keyed_each = 100_000 // rounds

    @property
    def ledgers(self):
        return (self.keyed, self.numbered)

    # Bodies

    def compose(self) -> Body:
        pick = self.random
        count = pick.choice((1, 2, 10, 40, 120))
        is_keyed = self.keyed.next < self.keyed_each * (self.run + 1) and pick.random() < 0.7
        ledger = self.keyed if is_keyed else self.numbered
        is_atomic = is_keyed and pick.random() < 0.6
        if is_atomic and pick.random() < 0.2:
            count = 500
        lines, texts = [], []
        for _ in range(count):
            if is_keyed and pick.random() < (0.3 / count if is_atomic else 0.03):
                text, code = pick.choice(_FAULTS)
                lines.append(Line(Event(0), code))
                texts.append(text)
                continue
            event = random_event(pick)
            if is_keyed:
                event.time, name = EPOCH + ledger.next, None
                if event.kind not in (Kind.SPAWN, Kind.DESPAWN) and pick.random() < 0.3:
                    name = event.player = f"p{event.player % 20}"
                form = event.to_json(name)
            else:
                event.sequence, event.producer = ledger.next, ledger.producer
                form = event.to_json()
            ledger.next += 1
            lines.append(Line(event, None))
            texts.append(json.dumps(form))
        key = f"{self.name}-{self.next_key}" if is_keyed else None
        self.next_key += 1
        body = Body(lines, texts, key, is_atomic, ledger)
        for event in body.events:
            if body.is_refused_whole:
                ledger.forbidden.add(event.time)
            else:
                ledger.put(event)
        self.bodies.append(body)
        return body

    def post(self, engine, connection, body: Body):
        """Sends a body once and takes the answer; OSError or HTTPException when it does not come."""
        headers = {"Content-Type": "application/x-ndjson"}
        if body.key is not None:
            headers["Idempotency-Key"] = body.key
        path = self.path + "?atomic=true" if body.is_atomic else self.path
        body.ledger.count_sent(body.lines)
        if body.is_refused_whole:
            body.ledger.unsure["rejected"] += len(body.events)
        status, answered, form = engine.request("POST", path, body.text, headers, connection)
        if status == 429:
            body.ledger.unsure["shed"] += len(body.lines)
            time.sleep(0.05)
            return
        self.take(body, status, answered, form)

    def take(self, body, status, headers, form):
        ledger, said = body.ledger, f"{self.name}: {status}, body with key {body.key}"
        counts = Counter({one.name.lower(): form["counts"][one.name.lower()] for one in Disposition})
        if body.is_refused_whole:
            check(status == 400 and counts["rejected"] == len(body.lines),
                  f"{said}: an atomic body with a bad event should be rejected whole: {form}")
            ledger.unsure["any"] -= len(body.lines)
            ledger.unsure["rejected"] -= len(body.lines)
            ledger.durable["rejected"] += len(body.lines)
            body.is_settled = True
            return
        is_all_bad = not body.events
        check(status == (400 if is_all_bad else 200), f"{said}: {form}")
        check(form["ack"] == "durable" and int(headers["Veltrix-Durable"]) == form["offset"],
              f"{said}: asked for durable, got {form['ack']}")
        outcomes = form["outcomes"]
        check(len(outcomes) == len(body.lines), f"{said}: {len(outcomes)} outcomes")
        ledger.count_told(body.lines, counts)
        ledger.durable_offset = max(ledger.durable_offset, form["offset"])
        for at, (line, one) in enumerate(zip(body.lines, outcomes)):
            outcome = SimpleNamespace(
                disposition=Disposition[one["disposition"].upper()], result=one["code"],
                offset=one.get("offset", 0), points=one.get("points", 0), total=one.get("total", 0),
                stock_left=one.get("stock_left", 0))
            check(one["position"] == at and "provisional" not in one, f"{said}: {one}")
            if outcome.disposition == Disposition.DUPLICATE and body.key is not None:
                first = ledger.settled.get(line.event.time)
                check(first is None or first == outcome.offset,
                      f"{said}: the first copy is at {first}, a duplicate says {outcome.offset}")
            ledger.take(line, outcome, True, self.run)
        body.is_settled = True

    # Load

    def start(self, engine, pause):
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(engine, pause), daemon=True)
        self.thread.start()

    def finish(self):
        self.stopping.set()
        self.thread.join(30)
        check(not self.thread.is_alive(), f"{self.name}: no answer for 30 s")

    def _run(self, engine, pause):
        connection = http.client.HTTPConnection("127.0.0.1", engine.http_port, timeout=20)
        try:
            while not self.stopping.is_set():
                if self.bodies and self.random.random() < 0.05:
                    body = self.bodies[-self.random.randint(1, min(50, len(self.bodies)))]
                else:
                    body = self.compose()
                self.post(engine, connection, body)
                time.sleep(self.random.random() * pause)
        except (OSError, http.client.HTTPException) as error:
            if not engine.is_killed:
                self.error = Violation(f"{self.name}: request lost while the engine ran: {error!r}")
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def settle_all(self, engine, bodies):
        connection = http.client.HTTPConnection("127.0.0.1", engine.http_port, timeout=20)
        try:
            for body in bodies:
                self.post(engine, connection, body)
        finally:
            connection.close()
