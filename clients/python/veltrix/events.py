"""Events and outcomes: 64 bytes each, little-endian, and their JSON forms."""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass

from . import edges
from .codes import SUPPORTED, Disposition, Field, Flag, Kind, Rejection, Result, word

SEQUENCE_MAX = 1 << 56
TIME_MAX = 1 << 53
SIZE = 64

_EVENT = struct.Struct("<BBHIQQQqiiiIq")
_OUTCOME = struct.Struct("<BBHBBBBQQQqiIIIII")
_POINTS_MAX = 1_000_000_000


@dataclass
class Event:
    """One thing that a client says happened; the fields are those of docs/protocol.md."""

    kind: int
    player: int = 0
    x: int = 0
    y: int = 0
    z: int = 0
    treasure: int = 0
    value: int = 0
    time: int = 0
    flags: int = 0
    sequence: int = 0
    producer: int = 0
    hunt: int = 0
    version: int = 1

    @classmethod
    def spawn(cls, treasure, x, y, points, stock=1, **more):
        return cls(Kind.SPAWN, treasure=treasure, x=x, y=y, value=points | stock << 31, **more)

    @classmethod
    def edge(cls, x, y, direction, multiplier, block=False, **more):
        """Multiplier 0 closes, 1...255 times the base cost; `block` places (0) or breaks the block."""
        value = edges.block(direction, multiplier) if block else edges.step(direction, multiplier)
        return cls(Kind.EDGE, x=x, y=y, value=value, **more)

    @classmethod
    def open_edge(cls, x, y, direction, **more):
        """The edge gets what the world was built with."""
        return cls(Kind.EDGE, x=x, y=y, value=edges.open_step(direction), **more)

    @classmethod
    def edge_by_id(cls, edge, cost, **more):
        """A cost for the edge of that id; 0 closes it."""
        return cls(Kind.EDGE, treasure=edge, value=edges.edge(cost), **more)

    @classmethod
    def open_edge_by_id(cls, edge, **more):
        return cls(Kind.EDGE, treasure=edge, value=edges.open_edge(), **more)

    @classmethod
    def add_edge(cls, x, y, to, cost, **more):
        """A new edge from (x, y, z) to the node of that number."""
        return cls(Kind.EDGE, x=x, y=y, treasure=to, value=edges.add(cost), **more)

    @classmethod
    def remove_edge(cls, edge, **more):
        """No more of an edge that was added."""
        return cls(Kind.EDGE, treasure=edge, value=edges.remove(), **more)

    @classmethod
    def place(cls, x, y, width=1, height=1, depth=1, **more):
        """A box of blocks that begins at (x, y, z); nobody walks there from then on."""
        return cls(Kind.EDGE, x=x, y=y, value=edges.place(width, height, depth), **more)

    @classmethod
    def break_(cls, x, y, width=1, height=1, depth=1, **more):
        """Blocks that are open from then on."""
        return cls(Kind.EDGE, x=x, y=y, value=edges.break_(width, height, depth), **more)

    @classmethod
    def score(cls, player, points, **more):
        return cls(Kind.SCORE, player=player, value=points, **more)

    def pack(self) -> bytes:
        """The 64 bytes; struct.error when a field does not fit its integer."""
        return _EVENT.pack(
            self.version, self.kind, self.flags, self.hunt, self.producer, self.sequence, self.player,
            self.time, self.x, self.y, self.z, self.treasure, self.value)

    @classmethod
    def unpack(cls, data, offset=0) -> "Event":
        version, kind, flags, hunt, producer, sequence, player, time, x, y, z, treasure, value = (
            _EVENT.unpack_from(data, offset))
        return cls(kind, player, x, y, z, treasure, value, time, flags, sequence, producer, hunt, version)

    def validate(self):
        """Raises the Rejection that the engine would answer, before anything is sent."""
        if self.version != 1:
            raise Rejection(Result.UNSUPPORTED_VERSION, Field.VERSION, 0)
        if not Kind.JOIN <= self.kind <= Kind.ERASE:
            raise Rejection(Result.UNKNOWN_KIND, Field.KIND, 1)
        if self.kind not in SUPPORTED:
            raise Rejection(Result.UNSUPPORTED_KIND, Field.KIND, 1)
        if self.flags & ~int(Flag.RANK | Flag.HINT):
            raise Rejection(Result.RESERVED_FLAG, Field.FLAGS, 2)
        if self.sequence > SEQUENCE_MAX:
            raise Rejection(Result.OUT_OF_RANGE, Field.SEQUENCE, 16)
        if not 0 <= self.time <= TIME_MAX:
            raise Rejection(Result.OUT_OF_RANGE, Field.TIME, 32)
        if self.player == 0 and self.kind not in (Kind.SPAWN, Kind.DESPAWN, Kind.EDGE):
            raise Rejection(Result.MISSING_FIELD, Field.PLAYER, 24)
        if self.treasure == 0 and self.kind in (Kind.CLAIM, Kind.SPAWN, Kind.DESPAWN):
            raise Rejection(Result.MISSING_FIELD, Field.TREASURE, 52)
        if not self._is_value_valid():
            raise Rejection(Result.OUT_OF_RANGE, Field.VALUE, 56)

    def _is_value_valid(self):
        if self.kind == Kind.SPAWN:
            return 0 <= self.value < 1 << 51
        if self.kind == Kind.EDGE:
            return edges.is_valid(self.value)
        if self.kind == Kind.SCORE:
            return -_POINTS_MAX <= self.value <= _POINTS_MAX
        return True

    def to_json(self, name=None) -> dict:
        """The JSON form; `name` stands for the player where players are known by name."""
        form = {"kind": word(Kind, self.kind)}
        if self.flags & Flag.RANK:
            form["rank"] = True
        if self.flags & Flag.HINT:
            form["hint"] = True
        for key in ("hunt", "producer", "sequence"):
            if getattr(self, key):
                form[key] = getattr(self, key)
        if name is not None or self.player:
            form["player"] = self.player if name is None else name
        for key in ("time", "x", "y", "z"):
            if getattr(self, key):
                form[key] = getattr(self, key)
        if self.kind == Kind.EDGE:
            return form | edges.to_json(self.treasure, self.value)
        if self.treasure:
            form["treasure"] = self.treasure
        if self.kind == Kind.SCORE:
            form["points"] = self.value
        elif self.kind == Kind.SPAWN:
            form["points"] = self.value & 0x7FFFFFFF
            if self.value >> 31:
                form["stock"] = self.value >> 31
        elif self.value:
            form["value"] = self.value
        return form


@dataclass
class Outcome:
    """What became of one event."""

    version: int
    kind: int
    result: int
    disposition: int
    flags: int
    direction: int
    field: int
    offset: int
    sequence: int
    player: int
    total: int
    points: int
    rank: int
    treasure: int
    distance: int
    stock_left: int
    position: int

    PROVISIONAL, WARMER, COLDER, SETTLING = 1, 2, 4, 8
    NO_DIRECTION, NO_DISTANCE = 255, 0xFFFFFFFF

    def pack(self) -> bytes:
        return _OUTCOME.pack(*astuple(self))

    @classmethod
    def unpack(cls, data, offset=0) -> "Outcome":
        return cls(*_OUTCOME.unpack_from(data, offset))

    @property
    def is_ok(self) -> bool:
        return self.result == Result.OK

    def to_json(self) -> dict:
        form = {"position": self.position}
        if self.kind in Kind.__members__.values():
            form["kind"] = word(Kind, self.kind)
        form.update(result=word(Result, self.result), code=self.result,
                    disposition=word(Disposition, self.disposition))
        is_placed = self.disposition not in (Disposition.REJECTED, Disposition.SHED)
        if is_placed:
            if self.disposition != 1 or self.offset:  # of a repeat, where it is remembered
                form["offset"] = self.offset
        for key in ("sequence", "player"):
            if getattr(self, key):
                form[key] = getattr(self, key)
        if is_placed:
            self._add_score(form)
        if self.flags & self.PROVISIONAL:
            form["provisional"] = True
        if self.field:
            form["field"] = word(Field, self.field)
        return form

    def _add_score(self, form):
        form["points"], form["total"] = self.points, self.total
        if self.rank:
            form["rank"] = self.rank
        has_hint = self.distance != self.NO_DISTANCE
        is_own = self.kind in (Kind.CLAIM, Kind.SPAWN, Kind.DESPAWN) or not has_hint
        if is_own and self.treasure:
            form["treasure"] = self.treasure
        if self.kind in (Kind.CLAIM, Kind.SPAWN) and self.result in (Result.OK, Result.NO_STOCK):
            form["stock_left"] = self.stock_left
        if self.flags & self.SETTLING:
            form["settling"] = True
        if not has_hint:
            return
        hint = form["hint"] = {"distance": self.distance}
        if not is_own and self.treasure:
            hint["treasure"] = self.treasure
        if self.direction != self.NO_DIRECTION:
            hint["direction"] = self.direction
        if self.flags & (self.WARMER | self.COLDER):
            hint["trend"] = "warmer" if self.flags & self.WARMER else "colder"
