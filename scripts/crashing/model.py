"""A second, slow implementation of the rules that the crash run's hunt uses: from journalled events to
outcomes, scores, treasures and books.

Not modelled: speed, walls, edges, lateness, phases, windows, hints, ranks, several boards. The hunt of
the crash run has none of them.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from typing import Dict, NamedTuple, Optional

from veltrix.codes import Disposition, Kind, Result
from veltrix.events import Event

from checking import check

TICK, NAME, CONTROL, TALLY, DIGEST = 16, 32, 33, 34, 35
IDEMPOTENT, OPERATE = 1 << 15, 1 << 14
#: Producer of events over HTTP that name none.
ANONYMOUS = 1 << 62


class Judged(NamedTuple):
    """What the outcome of an event has to say; stock_left is None where nothing is promised."""

    result: int
    points: int
    total: int
    stock_left: Optional[int]


class Player:
    def __init__(self):
        self.present, self.place, self.total, self.claims = True, None, 0, Counter()


class Treasure:
    def __init__(self, row, x, y, points, stock, respawn=0, reach=1):
        self.row, self.generation = row, 0
        self.phase = "open"
        self.offer(x, y, points, stock, respawn, reach)

    def offer(self, x, y, points, stock, respawn, reach):
        self.x, self.y, self.points, self.stock = x, y, points, stock
        self.respawn, self.reach, self.free, self.claimed, self.due = respawn, reach, stock, 0, None
        self.phase = "open"


class Model:
    """State after the first `offset` entries of a journal."""

    def __init__(self, hunt: dict):
        rows = hunt["world"]["text"].split("map\n")[1].split("\n")
        self.map = [row for row in rows if row]
        self.cap = hunt["rules"]["claims_per_player"]
        self.treasure_max = hunt["limits"]["treasures"]
        self.offset, self.now = 0, 0
        self.players: Dict[int, Player] = {}
        self.treasures: Dict[int, Treasure] = {}
        for spec in hunt["treasures"]:
            self.treasures[spec["id"]] = Treasure(
                len(self.treasures), spec["x"], spec["y"], spec["points"], spec["stock"],
                spec["respawn_ms"], spec["reach"])
        self.names: Dict[int, bytes] = {}
        self._half = b""
        self.books = defaultdict(Counter)
        #: Where each event stands: (producer, sequence), or (ANONYMOUS, time) for those with a key.
        self.places: Dict[tuple, int] = {}
        self.high = Counter()
        self.judged: Dict[int, Judged] = {}
        self.digests = 0
        self.granted = Counter()

    def apply(self, data: bytes):
        """The next entry of the journal."""
        offset, event = self.offset, Event.unpack(data)
        self.offset += 1
        if event.kind == TICK:
            self._advance(event.time)
        elif event.kind == NAME:
            self._name(event)
        elif event.kind == TALLY:
            book = self.books[event.producer]
            for key, count in (("duplicate", event.sequence), ("rejected", event.player),
                               ("shed", event.time)):
                book[key] += count
                book["received"] += count
        elif event.kind == DIGEST:
            self.digests += 1
        elif event.kind != CONTROL:
            self._remember(offset, event)
            self.judged[offset] = getattr(self, "_" + Kind(event.kind).name.lower())(event)
            self.books[event.producer].update(received=1, applied=1)

    def _remember(self, offset, event):
        is_keyed = event.flags & IDEMPOTENT
        key = (event.producer, event.time if is_keyed else event.sequence)
        check(key not in self.places, lambda: (
            f"applied twice: producer {key[0]} {'time' if is_keyed else 'sequence'} {key[1]} at journal "
            f"offsets {self.places[key]} and {offset}"))
        self.places[key] = offset
        if not is_keyed:
            self.high[event.producer] = max(self.high[event.producer], event.sequence)

    def _name(self, event):
        part, size = event.treasure & 255, event.treasure >> 8 & 255
        half = struct.pack("<QQqii", event.producer, event.sequence, event.time, event.x, event.y)
        if part == 0:
            self._half = half
        else:
            check(event.player not in self.names, f"name number {event.player} given twice")
            self.names[event.player] = (self._half + half)[:size]

    # Time

    def _advance(self, time):
        if time <= self.now:
            return
        self.now = time
        due = sorted((t.due, t.row, t) for t in self.treasures.values() if t.phase == "respawning")
        for at, _, treasure in due:
            if at <= time:
                treasure.generation += 1
                treasure.offer(treasure.x, treasure.y, treasure.points, treasure.stock,
                               treasure.respawn, treasure.reach)

    # Events

    def _block(self, event):
        """None outside the world, else whether the block is open."""
        if not (0 <= event.y < len(self.map) and 0 <= event.x < len(self.map[0])):
            return None
        return self.map[event.y][event.x] == "."

    def _present(self, event) -> Player:
        player = self.players.get(event.player)
        if player is None:
            player = self.players[event.player] = Player()
        player.present = True
        return player

    def _join(self, event):
        player = self.players.get(event.player)
        if player is not None and player.present:
            return Judged(Result.ALREADY_JOINED, 0, 0, None)
        block = self._block(event)
        if not block and (event.x or event.y):
            return Judged(Result.OUTSIDE_WORLD if block is None else Result.BLOCKED, 0, 0, None)
        player = self._present(event)
        if block:
            player.place = (event.x, event.y)
        return Judged(Result.OK, 0, player.total, None)

    def _leave(self, event):
        player = self.players.get(event.player)
        if player is None or not player.present:
            return Judged(Result.UNKNOWN_PLAYER, 0, 0, None)
        player.present, player.place = False, None
        return Judged(Result.OK, 0, player.total, None)

    def _move(self, event):
        block = self._block(event)
        if not block:
            return Judged(Result.OUTSIDE_WORLD if block is None else Result.BLOCKED, 0, 0, None)
        player = self._present(event)
        player.place = (event.x, event.y)
        return Judged(Result.OK, 0, player.total, None)

    def _teleport(self, event):
        if not event.flags & OPERATE:
            return Judged(Result.NOT_PERMITTED, 0, 0, None)
        return self._move(event)

    def _score(self, event):
        player = self._present(event)
        player.total += event.value
        return Judged(Result.OK, event.value, player.total, None)

    def _claim(self, event):
        player = self._present(event)
        treasure = self.treasures.get(event.treasure)
        if treasure is None or treasure.phase == "removed":
            return Judged(Result.UNKNOWN_TREASURE, 0, player.total, None)
        if player.place is None:
            return Judged(Result.NOT_PLACED, 0, player.total, None)
        x, y = player.place
        if max(abs(x - treasure.x), abs(y - treasure.y)) > treasure.reach:
            return Judged(Result.TOO_FAR, 0, player.total, None)
        if treasure.free == 0 or treasure.phase != "open":
            return Judged(Result.NO_STOCK, 0, player.total, treasure.free)
        key = (event.treasure, treasure.generation)
        if self.cap and player.claims[key] >= self.cap:
            return Judged(Result.ALREADY_CLAIMED, 0, player.total, None)
        player.claims[key] += 1
        treasure.free -= 1
        treasure.claimed += 1
        self.granted[key] += 1
        check(self.granted[key] <= treasure.stock,
              f"treasure {event.treasure} generation {treasure.generation}: more winners than stock")
        player.total += treasure.points
        if treasure.free == 0:
            treasure.phase = "respawning" if treasure.respawn else "exhausted"
            treasure.due = self.now + treasure.respawn if treasure.respawn else None
        return Judged(Result.OK, treasure.points, player.total, treasure.free)

    def _spawn(self, event):
        block = self._block(event)
        if not block:
            return Judged(Result.OUTSIDE_WORLD if block is None else Result.BLOCKED, 0, 0, None)
        points, stock = event.value & 0x7FFFFFFF, event.value >> 31 or 1
        treasure = self.treasures.get(event.treasure)
        if treasure is None:
            if len(self.treasures) >= self.treasure_max:
                return Judged(Result.LIMIT_REACHED, 0, 0, None)
            self.treasures[event.treasure] = Treasure(
                len(self.treasures), event.x, event.y, points, stock)
        elif treasure.phase != "removed":
            return Judged(Result.TREASURE_EXISTS, 0, 0, None)
        else:
            treasure.generation += 1
            treasure.offer(event.x, event.y, points, stock, 0, 1)
        return Judged(Result.OK, 0, 0, stock)

    def _despawn(self, event):
        treasure = self.treasures.get(event.treasure)
        if treasure is None or treasure.phase == "removed":
            return Judged(Result.UNKNOWN_TREASURE, 0, 0, None)
        treasure.phase, treasure.due = "removed", None
        return Judged(Result.OK, 0, 0, None)

    # What reads have to show

    def board(self):
        return sorted((self.label(number), player.total) for number, player in self.players.items())

    def label(self, number):
        name = self.names.get(number)
        return str(number) if name is None else "name:" + name.decode()

    def treasure_rows(self):
        return [(number, t.stock, t.free, t.claimed, t.generation, t.phase)
                for number, t in self.treasures.items()]

    def book_rows(self):
        return {producer: tuple(book[key] for key in BOOK_KEYS)
                for producer, book in self.books.items() if book["received"]}


BOOK_KEYS = ("received",) + tuple(one.name.lower() for one in Disposition)
