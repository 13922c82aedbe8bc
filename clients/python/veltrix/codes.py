"""The numbers of the protocol and their words; docs/protocol.md explains them."""

from enum import IntEnum, IntFlag


class Kind(IntEnum):
    JOIN = 1
    LEAVE = 2
    MOVE = 3
    TELEPORT = 4
    CLAIM = 5
    RESERVE = 6
    CONFIRM = 7
    RELEASE = 8
    ANSWER = 9
    SCAN = 10
    PURCHASE = 11
    SPAWN = 12
    DESPAWN = 13
    EDGE = 14
    SCORE = 15
    TICK = 16
    FLAG = 17
    RULE = 18
    SEASON = 19
    ADJUST = 20
    REVIEW = 21
    ERASE = 22
    # In journals only: the engine rejects a sender's as unknown.
    NAME = 32
    CONTROL = 33
    TALLY = 34
    DIGEST = 35
    PROMOTE = 36


#: Kinds that this version of the engine takes.
SUPPORTED = frozenset((Kind.JOIN, Kind.LEAVE, Kind.MOVE, Kind.TELEPORT, Kind.CLAIM, Kind.SPAWN,
                       Kind.DESPAWN, Kind.EDGE, Kind.SCORE))


class Flag(IntFlag):
    RANK = 1
    HINT = 2


class FrameType(IntEnum):
    HELLO = 1
    WELCOME = 2
    EVENTS = 3
    OUTCOMES = 4
    ACKNOWLEDGEMENT = 5
    BUSY = 6
    FAULT = 7
    PING = 8
    PONG = 9


class Ack(IntEnum):
    APPLIED = 0
    DURABLE = 1


class Right(IntFlag):
    INGEST = 1
    OPERATE = 2


class Disposition(IntEnum):
    APPLIED = 0
    DUPLICATE = 1
    REJECTED = 2
    LATE = 3
    SHED = 4


class Direction(IntEnum):
    E = 0
    SE = 1
    S = 2
    SW = 3
    W = 4
    NW = 5
    N = 6
    NE = 7


class Field(IntEnum):
    NONE = 0
    VERSION = 1
    KIND = 2
    FLAGS = 3
    HUNT = 4
    PRODUCER = 5
    SEQUENCE = 6
    PLAYER = 7
    TIME = 8
    X = 9
    Y = 10
    Z = 11
    TREASURE = 12
    VALUE = 13


class Result(IntEnum):
    OK = 0
    DUPLICATE = 1
    LATE = 2
    BUSY = 3
    STOPPED = 4
    NOT_LIVE = 10
    UNKNOWN_PLAYER = 11
    UNKNOWN_TREASURE = 12
    TOO_FAR = 13
    NO_STOCK = 14
    ALREADY_CLAIMED = 15
    TOO_FAST = 16
    THROUGH_WALL = 17
    BLOCKED = 18
    OUTSIDE_WORLD = 19
    NOT_PERMITTED = 20
    TREASURE_EXISTS = 21
    LIMIT_REACHED = 22
    ALREADY_JOINED = 23
    NOT_PLACED = 24
    TIME_AHEAD = 25
    NOTHING_CHANGED = 26
    TRUNCATED = 100
    UNSUPPORTED_VERSION = 101
    UNKNOWN_KIND = 102
    UNSUPPORTED_KIND = 103
    RESERVED_FLAG = 104
    WRONG_HUNT = 105
    MISSING_FIELD = 106
    OUT_OF_RANGE = 107
    UNKNOWN_FIELD = 108
    WRONG_TYPE = 109
    MALFORMED = 110
    TOO_LONG = 111
    REPEATED_FIELD = 112
    CORRUPT_FRAME = 113
    WRONG_PRODUCER = 114
    IDEMPOTENCY_CONFLICT = 115
    BATCH_REJECTED = 116


def word(enum, number):
    """The word for `number` in JSON; `unknown` for a number of a later version."""
    try:
        return enum(number).name.lower()
    except ValueError:
        return "unknown"


class Rejection(Exception):
    """Bytes or fields that break the protocol: `code` (Result), `field` (Field), byte `position`."""

    def __init__(self, code, field=Field.NONE, position=0):
        super().__init__(f"{word(Result, code)}: {word(Field, field)} at byte {position}")
        self.code, self.field, self.position = code, field, position
