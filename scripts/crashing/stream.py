"""One connection of the stream protocol as a sender that keeps its own books."""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections import Counter
from typing import Dict, List

from veltrix import frames
from veltrix.codes import Ack, Disposition, FrameType, Result, word
from veltrix.events import SIZE, Outcome
from veltrix.frames import Acknowledgement, Hello, Refusal, Welcome

from checking import Violation, check
from .ledger import Ledger, Line


class Under:
    """A batch under way."""

    def __init__(self, lines: List[Line]):
        self.lines, self.outcomes = lines, None


class StreamSender:
    """Sends batches of one producer while it runs; `error` says what was wrong."""

    def __init__(self, name, producer, hunt, seed, ack=Ack.DURABLE, ack_only=False, window=6):
        self.name, self.ledger, self.hunt = name, Ledger(producer), hunt
        self.ack, self.ack_only, self.window = ack, ack_only, window
        self.random = random.Random(seed)
        self.next_batch = 1
        self.under_way: Dict[int, Under] = {}
        self.error = None
        self.lost_at = None
        self.run = 0
        self.batches = 0

    # Connection

    def connect(self, port, run) -> Welcome:
        self.run, self.error, self.lost_at = run, None, None
        self.under_way.clear()
        self.received = bytearray()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = Hello(self.ledger.producer, self.hunt, self.ack,
                      options=Hello.ACKNOWLEDGEMENTS_ONLY if self.ack_only else 0)
        self.socket.sendall(frames.encode(FrameType.HELLO, 0, 1, hello.pack()))
        answer = self.read(10)
        check(answer is not None and answer.type == FrameType.WELCOME, f"{self.name}: no welcome")
        return Welcome.unpack(answer.payload)

    def close(self):
        self.socket.close()

    def read(self, seconds):
        """The next frame; None when there is none in time. ConnectionError at the end."""
        deadline = time.monotonic() + seconds
        while True:
            frame = frames.decode(self.received)
            if frame is not None:
                del self.received[:frame.size]
                check(frame.is_intact, f"{self.name}: a frame of the engine has a wrong checksum")
                return frame
            wait = deadline - time.monotonic()
            if wait < 0 or not select.select([self.socket], [], [], wait)[0]:
                return None
            data = self.socket.recv(1 << 18)
            if not data:
                raise ConnectionError("closed by the engine")
            self.received += data

    def send(self, lines: List[Line], damage=False):
        payload = b"".join(line.event.pack() for line in lines)
        data = bytearray(frames.encode(FrameType.EVENTS, self.next_batch, len(lines), payload))
        if damage:
            at = frames.HEADER_SIZE + self.random.randrange(len(payload))
            data[at] ^= 1 << self.random.randrange(8)
        self.ledger.count_sent(lines)
        if damage:
            # All of it is rejected, whatever it holds; then it is sent again as it should be.
            self.ledger.unsure["rejected"] += sum(line.rejection is None for line in lines)
        self.under_way[self.next_batch] = Under(lines)
        self.next_batch += 1
        self.batches += 1
        self.socket.sendall(data)

    # Load

    def start(self, engine, pause):
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(engine, pause), daemon=True)
        self.thread.start()

    def finish(self):
        """Stops sending and waits for what is under way, or until the engine is gone."""
        self.stopping.set()
        self.thread.join(30)
        check(not self.thread.is_alive(), f"{self.name}: no answer for 30 s")
        self.close()

    def _run(self, engine, pause):
        try:
            while True:
                while len(self.under_way) < self.window and not self.stopping.is_set():
                    lines = self.ledger.batch(self.random, self.random.choice((1, 3, 20, 60, 200)))
                    self.send(lines, damage=self.random.random() < 0.01)
                    if pause:
                        time.sleep(self.random.random() * pause)
                if not self.under_way:
                    return
                self.take(self.read(20))
        except OSError as error:
            self.lost_at = time.monotonic()
            if not engine.is_killed:
                self.error = Violation(f"{self.name}: connection lost while the engine ran: {error}")
        except Exception as error:
            self.error = error

    def settle_all(self, batches: List[List[Line]]):
        """Sends `batches`, each once, and waits until all are answered."""
        waiting = list(batches)
        while waiting or self.under_way:
            while waiting and len(self.under_way) < self.window:
                self.send(waiting.pop(0))
            self.take(self.read(20))

    # Answers

    def take(self, frame):
        check(frame is not None, f"{self.name}: no answer for 20 s, {len(self.under_way)} under way")
        kind, batch = frame.type, self.under_way.get(frame.batch)
        check(batch is not None, lambda: (
            f"{self.name}: a {word(FrameType, kind)} for batch {frame.batch}, which is settled or was "
            "never sent"))
        if kind == FrameType.OUTCOMES:
            check(not self.ack_only and batch.outcomes is None, f"{self.name}: outcomes twice or unasked")
            self._take_outcomes(frame, batch)
        elif kind == FrameType.ACKNOWLEDGEMENT:
            self._take_acknowledgement(Acknowledgement.unpack(frame.payload), batch)
            del self.under_way[frame.batch]
        elif kind in (FrameType.BUSY, FrameType.FAULT):
            self._take_refusal(Refusal.unpack(frame.payload), batch)
            del self.under_way[frame.batch]
        else:
            check(False, f"{self.name}: a frame of type {kind}")

    def _take_outcomes(self, frame, batch):
        check(frame.count == len(batch.lines), f"{self.name}: {frame.count} outcomes for "
              f"{len(batch.lines)} events")
        batch.outcomes = [Outcome.unpack(frame.payload, at)
                          for at in range(0, len(frame.payload), SIZE)]
        is_durable = self.ack == Ack.DURABLE
        for at, (line, outcome) in enumerate(zip(batch.lines, batch.outcomes)):
            is_provisional = bool(outcome.flags & Outcome.PROVISIONAL)
            check(outcome.position == at and is_provisional != is_durable,
                  f"{self.name}: position or provisional of {outcome}")
            self.ledger.take(line, outcome, is_durable, self.run)

    def _take_acknowledgement(self, ack, batch):
        counts = Counter({one.name.lower(): getattr(ack, one.name.lower()) for one in Disposition})
        check(ack.level == self.ack, f"{self.name}: acknowledged at level {ack.level}")
        self.ledger.check_counts(batch.lines, counts)
        if not self.ack_only:
            check(batch.outcomes is not None, f"{self.name}: an acknowledgement before its outcomes")
            own = Counter(word(Disposition, one.disposition) for one in batch.outcomes)
            check(own == +counts, f"{self.name}: acknowledged {counts}, outcomes say {own}")
        if self.ack != Ack.DURABLE:
            return
        self.ledger.count_told(batch.lines, counts)
        self.ledger.durable_offset = max(self.ledger.durable_offset, ack.durable)
        for outcome in batch.outcomes or ():
            check(outcome.disposition != Disposition.APPLIED or outcome.offset < ack.durable,
                  f"{self.name}: acknowledged durable through {ack.durable}, but {outcome}")
        if self.ack_only:
            for line in batch.lines:
                if line.rejection is None:
                    self.ledger.settle(line.event.sequence, None)

    def _take_refusal(self, refusal, batch):
        is_damage = refusal.result == Result.CORRUPT_FRAME
        check(is_damage or refusal.result == Result.BUSY,
              f"{self.name}: refused with {word(Result, refusal.result)}")
        check(refusal.count == len(batch.lines) and not refusal.closing,
              f"{self.name}: {refusal} for a frame of {len(batch.lines)} events")
        if not is_damage:
            self.ledger.unsure["shed"] += refusal.count
            time.sleep(refusal.retry_ms / 1000)
        # The same events again, under a batch number of their own.
        self.send(batch.lines)

