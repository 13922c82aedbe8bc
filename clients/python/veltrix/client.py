"""A blocking client of the stream protocol that loses nothing and applies nothing twice.

What was sent and not settled is kept, and sent again with the same sequences after a reconnect, a
`busy` or a damaged frame; the engine applies each sequence once. One thread per client.
"""

from __future__ import annotations

import dataclasses
import random
import select
import socket
import time
from collections import OrderedDict
from typing import Iterable, List, Optional

from . import frames
from .codes import Ack, FrameType, Rejection, Result, Right, word
from .events import SIZE, Event, Outcome
from .frames import Acknowledgement, Hello, Refusal, Welcome


class Refused(Exception):
    """The engine does not want this connection or this frame; `refusal` says why."""

    def __init__(self, refusal: Refusal):
        super().__init__(f"{word(Result, refusal.result)} at byte {refusal.position}")
        self.refusal = refusal


class Unavailable(ConnectionError):
    """No connection, or no answer, for `patience` seconds. What is unsettled is kept; `drain` goes on."""


class _Batch:
    def __init__(self, number, payload):
        self.number, self.payload = number, payload
        self.outcomes: Optional[List[Outcome]] = None
        # When to send it, on the monotonic clock; None while it is under way.
        self.due: Optional[float] = 0.0

    @property
    def count(self):
        return len(self.payload) // SIZE


class Client:
    """Sends events of one producer to one hunt.

        with Client("127.0.0.1", 7400, hunt="town", producer=77) as client:
            for outcome in client.send([Event(Kind.MOVE, player=7, x=3, y=4)]):
                print(outcome.to_json())

    ack: Ack.DURABLE (an outcome is flushed when it comes) or Ack.APPLIED.
    window: most frames under way. batch: events in a frame, 1...2048.
    patience: longest time in seconds without any progress before `Unavailable`.
    path: of a Unix socket, in place of host and port.
    """

    def __init__(self, host="127.0.0.1", port=7400, hunt="", producer=1, *, ack=Ack.DURABLE,
                 rights=Right.INGEST, window=16, batch=256, patience=30.0, path=None):
        if not 1 <= batch <= frames.EVENT_COUNT_MAX or window < 1:
            raise ValueError("batch must be 1...2048, window at least 1")
        self._hello = Hello(producer, hunt, ack, rights).pack()
        self._address = path or (host, port)
        self._window, self._batch_max, self._patience = window, batch, patience
        self._socket: Optional[socket.socket] = None
        self._received = bytearray()
        # In the order of their events: all since the last drain, and those of them not settled.
        self._batches: List[_Batch] = []
        self._open: "OrderedDict[int, _Batch]" = OrderedDict()
        self._under_way = 0
        self._next_batch = 1
        self._attempt = 0
        self._progress_at = 0.0
        #: What the engine said last when it took the connection.
        self.welcome: Optional[Welcome] = None
        #: The number that the next event without one gets; known after the first connection.
        self.next_sequence: Optional[int] = None
        #: Everything below this journal offset is flushed, as far as the engine has said.
        self.durable_offset = 0
        self.reconnect_count = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the connection; what is unsettled stays and would be sent by the next `drain`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._received.clear()

    @property
    def unsettled_count(self) -> int:
        return sum(batch.count for batch in self._open.values())

    def send(self, events: Iterable[Event]) -> List[Outcome]:
        """Sends events and waits for their outcomes, which come in the order of the events.

        Events with sequence 0 are numbered here, so that a resend is a duplicate. Their objects are
        not changed; the outcomes carry the sequences.
        """
        self.submit(events)
        return self.drain()

    def submit(self, events: Iterable[Event]):
        """Numbers and keeps events; `drain` sends them. Raises Rejection before keeping any."""
        self._progress_at = time.monotonic()
        if self.next_sequence is None:
            self._ensure_connected()
        sequence, packed = self.next_sequence, []
        for event in events:
            if event.sequence == 0:
                event = dataclasses.replace(event, sequence=sequence)
            event.validate()
            sequence = max(sequence, event.sequence + 1)
            packed.append(event.pack())
        self.next_sequence = sequence
        for at in range(0, len(packed), self._batch_max):
            number, self._next_batch = self._next_batch, self._next_batch + 1
            batch = _Batch(number, b"".join(packed[at:at + self._batch_max]))
            self._batches.append(batch)
            self._open[number] = batch

    def drain(self) -> List[Outcome]:
        """Waits until everything submitted is settled; returns its outcomes in order."""
        self._progress_at = time.monotonic()
        while self._open:
            try:
                self._ensure_connected()
                self._exchange()
            except OSError as error:
                if isinstance(error, Unavailable):
                    raise
                self._lose_connection()
        outcomes = [one for batch in self._batches for one in batch.outcomes]
        self._batches.clear()
        return outcomes

    def ping(self) -> float:
        """Seconds that a frame takes to the engine and back. Only while nothing is unsettled."""
        self._progress_at = time.monotonic()
        self._ensure_connected()
        start = time.monotonic()
        self._write(frames.encode(FrameType.PING, 0, 0))
        while self._read_frame().type != FrameType.PONG:
            pass
        return time.monotonic() - start

    # Connecting

    def _ensure_connected(self):
        while self._socket is None:
            try:
                self._connect()
            except OSError as error:
                if isinstance(error, Unavailable):
                    raise
                self._lose_connection()

    def _connect(self):
        if isinstance(self._address, str):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(5.0)
        self._socket.connect(self._address)
        self._socket.setblocking(False)
        self._write(frames.encode(FrameType.HELLO, 0, 1, self._hello))
        answer = self._read_frame()
        if answer.type != FrameType.WELCOME or not answer.is_intact:
            raise ConnectionError("no welcome")
        self.welcome = Welcome.unpack(answer.payload)
        if self.next_sequence is None:
            self.next_sequence = self.welcome.high_sequence + 1
        self._attempt = 0
        self.reconnect_count += 1
        self._progress_at = time.monotonic()
        self._under_way = 0
        for batch in self._open.values():
            batch.due = 0.0

    def _lose_connection(self):
        """Closes, and waits 50 ms, doubled each time up to 5 s, half of it random."""
        self.close()
        wait = min(5.0, 0.05 * 2 ** min(self._attempt, 10))
        self._attempt += 1
        self._check_patience(wait)
        time.sleep(wait * (0.5 + random.random() / 2))

    def _check_patience(self, wait=0.0):
        if time.monotonic() + wait - self._progress_at > self._patience:
            raise Unavailable(f"no progress for {self._patience} s, {self.unsettled_count} unsettled")

    # Exchanging

    def _exchange(self):
        """Sends what the window allows and is due, then takes one answer or waits for the next due."""
        now = time.monotonic()
        next_due = None
        for batch in self._open.values():
            if self._under_way >= self._window:
                break
            if batch.due is None:
                continue
            if batch.due > now:
                next_due = batch.due if next_due is None else min(next_due, batch.due)
                continue
            self._write(frames.encode(FrameType.EVENTS, batch.number, batch.count, batch.payload))
            batch.due = None
            self._under_way += 1
        if self._under_way == 0:
            self._check_patience()
            time.sleep(max(0.0, next_due - now))
            return
        answer = self._read_frame(until=next_due)
        if answer is not None:
            self._take(answer)

    def _take(self, answer: frames.Frame):
        if not answer.is_intact:
            raise ConnectionError("damaged answer")
        if answer.type == FrameType.ACKNOWLEDGEMENT:
            self.durable_offset = max(
                self.durable_offset, Acknowledgement.unpack(answer.payload).durable)
            return
        batch = self._open.get(answer.batch)
        if batch is None or batch.due is not None:
            return
        if answer.type == FrameType.OUTCOMES:
            if answer.count != batch.count:
                raise ConnectionError("outcomes do not match their batch")
            batch.outcomes = [
                Outcome.unpack(answer.payload, at) for at in range(0, len(answer.payload), SIZE)]
            del self._open[answer.batch]
            self._under_way -= 1
            self._progress_at = time.monotonic()
        elif answer.type in (FrameType.BUSY, FrameType.FAULT):
            batch.due = time.monotonic() + Refusal.unpack(answer.payload).retry_ms / 1000
            self._under_way -= 1

    # Bytes

    def _write(self, data: bytes):
        """Sends all of `data`, and reads meanwhile: two sides that only write would wait for ever."""
        view = memoryview(data)
        while view:
            self._wait(write=True)
            try:
                view = view[self._socket.send(view):]
            except BlockingIOError:
                pass

    def _read_frame(self, until=None) -> Optional[frames.Frame]:
        """The next frame; None when `until` (monotonic) comes first."""
        while True:
            try:
                frame = frames.decode(self._received)
            except Rejection as rejection:
                raise ConnectionError(f"not a frame: {rejection}") from None
            if frame is not None:
                del self._received[:frame.size]
                if frame.type == FrameType.FAULT and frame.is_intact:
                    refusal = Refusal.unpack(frame.payload)
                    if refusal.result != Result.CORRUPT_FRAME:
                        self.close()
                        raise Refused(refusal)
                return frame
            if not self._wait(until=until):
                return None

    def _wait(self, write=False, until=None) -> bool:
        """Waits for the socket and takes in what there is; False when `until` came first."""
        wait = 1.0 if until is None else max(0.0, min(1.0, until - time.monotonic()))
        readable, writable, _ = select.select(
            [self._socket], [self._socket] if write else [], [], wait)
        if readable:
            try:
                data = self._socket.recv(1 << 18)
            except BlockingIOError:
                return True
            if not data:
                raise ConnectionError("closed by the engine")
            self._received += data
        elif not writable:
            if until is not None and time.monotonic() >= until:
                return False
            self._check_patience()
        return True
