"""What one producer knows of its own events: what it sent, and what it was told."""

from __future__ import annotations

import random
from collections import Counter
from typing import Dict, List, NamedTuple, Optional

from veltrix.codes import Disposition, Kind, Result
from veltrix.events import Event, Outcome

from checking import check

WIDTH, HEIGHT = 12, 9
PLAYERS, TREASURES, SPAWNED_FIRST, SPAWNED_LAST = 60, 8, 100, 115
EPOCH = 1_700_000_000_000


class Line(NamedTuple):
    """One event of a batch, and what may become of it."""

    event: Event
    #: The code that a malformed event must be rejected with; None for a valid one.
    rejection: Optional[int]


class Told(NamedTuple):
    """An outcome of an applied event, to be compared with the journal and the model."""

    offset: int
    event: Event
    result: int
    points: int
    total: int
    stock_left: int
    is_durable: bool
    run: int


def random_event(random: random.Random) -> Event:
    player = random.randint(1, PLAYERS)
    x, y = random.randrange(-1, WIDTH + 1), random.randrange(HEIGHT)
    flags = random.choice((0, 0, 1, 2, 3))
    roll = random.random()
    if roll < 0.30:
        return Event.score(player, random.randint(-50, 100), flags=flags & 1)
    if roll < 0.60:
        treasure = random.choice((random.randint(1, TREASURES), random.randint(
            SPAWNED_FIRST, SPAWNED_LAST)))
        return Event(Kind.CLAIM, player, treasure=treasure, flags=flags & 1)
    if roll < 0.90:
        return Event(Kind.MOVE, player, x, y, flags=flags)
    if roll < 0.93:
        return Event(Kind.JOIN, player, x, y, flags=flags)
    if roll < 0.95:
        return Event(Kind.LEAVE, player)
    if roll < 0.96:
        return Event(Kind.TELEPORT, player, x, y)
    number = random.randint(SPAWNED_FIRST, SPAWNED_LAST)
    if roll < 0.985:
        return Event.spawn(number, x, y, random.randint(0, 30), random.randint(1, 4))
    return Event(Kind.DESPAWN, treasure=number)


def malformed(random: random.Random, event: Event) -> Line:
    """`event` with one fault, and the code that names it."""
    fault = random.randrange(9)
    if fault == 0:
        event.version, code = random.choice((0, 2, 255)), Result.UNSUPPORTED_VERSION
    elif fault == 1:
        event.kind, code = random.choice((0, 23, 32, 33, 34, 35, 200)), Result.UNKNOWN_KIND
    elif fault == 2:
        event.kind, code = random.choice((6, 11, 16, 22)), Result.UNSUPPORTED_KIND
    elif fault == 3:
        event.flags, code = 1 << random.randrange(2, 16), Result.RESERVED_FLAG
    elif fault == 4:
        event.sequence, code = (1 << 56) + random.randint(1, 1 << 60), Result.OUT_OF_RANGE
    elif fault == 5:
        event.time, code = random.choice(((1 << 53) + 1, -1)), Result.OUT_OF_RANGE
    elif fault == 6:
        event = Event(Kind.SCORE, value=1, sequence=event.sequence)
        code = Result.MISSING_FIELD
    elif fault == 7:
        event.hunt, code = 4_000_000_000, Result.WRONG_HUNT
    else:
        event = Event.score(5, random.choice((10**9 + 1, -10**9 - 1)), sequence=event.sequence)
        code = Result.OUT_OF_RANGE
    return Line(event, code)


def key_of(event: Event) -> int:
    """What tells an event from others of its producer; with an idempotency key, its unique time."""
    return event.sequence or event.time


class Ledger:
    """Events by key: a sequence, or for events of keyed requests their time, which is unique."""

    def __init__(self, producer: int):
        self.producer = producer
        self.next = 1
        #: Every content sent under a key; more than one where a number was used twice on purpose.
        self.contents: Dict[int, List[Event]] = {}
        #: Keys whose last answer was not durable, or that have none.
        self.open: Dict[int, Event] = {}
        #: Keys answered durable, and their offset where it was told.
        self.settled: Dict[int, Optional[int]] = {}
        self.told: List[Told] = []
        #: Counts by disposition that a durable answer said; events sent without such an answer.
        self.durable, self.sent = Counter(), 0
        #: Events that may be counted beyond `durable`, by what they may be.
        self.unsure = Counter()
        #: Everything below is durable, as the engine said.
        self.durable_offset = 0
        self.high_settled = 0
        #: How often each key was sent.
        self.times = Counter()
        #: Keys that must never be in the journal: those of malformed events.
        self.forbidden = set()
        #: While everything open is sent again after a crash: the disposition that each key must get.
        self.expected: Dict[int, int] = {}

    def put(self, event: Event):
        """Notes that `event` is about to be sent."""
        key = key_of(event)
        same = self.contents.setdefault(key, [])
        if event not in same:
            same.append(event)
        if key not in self.settled:
            self.open.setdefault(key, event)

    def settle(self, key, offset):
        self.open.pop(key, None)
        if self.settled.get(key) is None:
            self.settled[key] = offset
        self.high_settled = max(self.high_settled, key)

    def batch(self, random: random.Random, count) -> List[Line]:
        """New events, some sequences used twice, some faults, some gaps; not always in order."""
        lines = []
        for _ in range(count):
            event = random_event(random)
            roll = random.random()
            if roll < 0.06 and self.contents:
                event.sequence = random.randint(max(1, self.next - 500), self.next - 1)
                if event.sequence in self.contents:
                    if random.random() < 0.7:
                        event = self.contents[event.sequence][0]
                    lines.append(Line(event, None))
                    self.put(event)
                    continue
            if roll < 0.07:
                self.next += random.randint(1, 3)
            event.sequence = self.next
            self.next += 1
            if roll > 0.96:
                self.forbidden.add(event.sequence)
                lines.append(malformed(random, event))
                continue
            self.put(event)
            lines.append(Line(event, None))
        if random.random() < 0.2:
            random.shuffle(lines)
        return lines

    def count_sent(self, lines):
        for line in lines:
            if line.rejection is None:
                self.times[key_of(line.event)] += 1
        self.sent += len(lines)
        self.unsure["any"] += len(lines)
        self.unsure["rejected"] += sum(line.rejection is not None for line in lines)

    def count_told(self, lines, counts):
        """A durable answer for `lines`."""
        check(sum(counts.values()) == len(lines), f"{counts} for {len(lines)} events")
        bad = sum(line.rejection is not None for line in lines)
        check(counts["rejected"] == bad, lambda: (
            f"producer {self.producer}: {counts['rejected']} rejected of a batch with {bad} malformed"))
        self.durable.update(counts)
        self.unsure["any"] -= len(lines)
        self.unsure["rejected"] -= bad

    def take(self, line: Line, outcome: Outcome, is_durable, run):
        """Checks an outcome against what may become of the event, and keeps it."""
        event, disposition = line.event, outcome.disposition

        def wrong(text):
            return f"producer {self.producer}, {event}: {text}; outcome {outcome}"

        if line.rejection is not None:
            check(disposition == Disposition.REJECTED and outcome.result == line.rejection,
                  lambda: wrong(f"should be rejected with {line.rejection}"))
            return
        key = key_of(event)
        check(disposition in (Disposition.APPLIED, Disposition.DUPLICATE),
              lambda: wrong("should be applied or a duplicate"))
        if disposition == Disposition.APPLIED:
            check(key not in self.settled, lambda: wrong("applied again after it was durable"))
            self.told.append(Told(
                outcome.offset, event, outcome.result, outcome.points, outcome.total,
                outcome.stock_left, is_durable, run))
        else:
            check(self.times[key] > 1, lambda: wrong("a duplicate, but it was sent once only"))
        check(disposition == self.expected.get(key, disposition),
              lambda: wrong(f"after the crash it should be {Disposition(self.expected[key]).name}"))
        if is_durable:
            self.settle(key, outcome.offset if disposition == Disposition.APPLIED else None)

    def check_counts(self, lines, counts):
        """That the counts of a batch sent again after a crash are those that the journal calls for."""
        if all(line.event.sequence in self.expected for line in lines):
            wanted = Counter(Disposition(self.expected[line.event.sequence]).name.lower()
                             for line in lines)
            check(wanted == +counts, f"producer {self.producer}: resent, {counts}; should be {wanted}")
