"""Frames of the stream protocol and the payloads that are not events or outcomes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple, Optional

from .codes import Ack, Field, FrameType, Rejection, Result, Right
from .crc32c import crc32c

HEADER_SIZE = 32
EVENT_COUNT_MAX = 2048
LENGTH_MAX = EVENT_COUNT_MAX * 64
MAGIC = b"VTX1"

_HEADER = struct.Struct("<4sBBHQIIII")
_HELLO = struct.Struct("<QBBBBI48s")
_WELCOME = struct.Struct("<QQqIIB31s")
_ACKNOWLEDGEMENT = struct.Struct("<QQIIIIIB27s")
_REFUSAL = struct.Struct("<HBBIII48s")


class Frame(NamedTuple):
    type: int
    batch: int
    count: int
    payload: bytes
    """Bytes of the frame, header and all."""
    size: int
    """False when the payload's CRC is wrong: its items are lost, the next frame is not."""
    is_intact: bool


def encode(kind, batch, count, payload=b"") -> bytes:
    head = _HEADER.pack(MAGIC, 1, kind, 0, batch, count, len(payload), crc32c(payload), 0)[:28]
    return head + struct.pack("<I", crc32c(head)) + payload


def decode(data, start=0) -> Optional[Frame]:
    """The frame at `start` of `data`, None while it is not whole, Rejection when it is no frame."""
    for offset, byte in enumerate(data[start:start + 4]):
        if byte != MAGIC[offset]:
            raise Rejection(Result.MALFORMED, position=offset)
    if len(data) - start < HEADER_SIZE:
        return None
    _, version, kind, flags, batch, count, length, payload_crc, header_crc = (
        _HEADER.unpack_from(data, start))
    if version != 1:
        raise Rejection(Result.UNSUPPORTED_VERSION, Field.VERSION, 4)
    if crc32c(bytes(data[start:start + 28])) != header_crc:
        raise Rejection(Result.CORRUPT_FRAME, position=28)
    if kind not in FrameType.__members__.values():
        raise Rejection(Result.UNKNOWN_KIND, Field.KIND, 5)
    if flags:
        raise Rejection(Result.RESERVED_FLAG, Field.FLAGS, 6)
    if kind in (FrameType.EVENTS, FrameType.OUTCOMES):
        if count > EVENT_COUNT_MAX:
            raise Rejection(Result.TOO_LONG, position=16)
    elif count != (0 if kind in (FrameType.PING, FrameType.PONG) else 1):
        raise Rejection(Result.OUT_OF_RANGE, position=16)
    if length > LENGTH_MAX:
        raise Rejection(Result.TOO_LONG, position=20)
    if length != count * 64:
        raise Rejection(Result.OUT_OF_RANGE, position=20)
    end = start + HEADER_SIZE + length
    if len(data) < end:
        return None
    payload = bytes(data[start + HEADER_SIZE:end])
    return Frame(kind, batch, count, payload, end - start, crc32c(payload) == payload_crc)


@dataclass
class Hello:
    producer: int
    hunt: str
    ack: int = Ack.DURABLE
    rights: int = Right.INGEST
    options: int = 0

    ACKNOWLEDGEMENTS_ONLY = 1

    def pack(self) -> bytes:
        name = self.hunt.encode()
        if not 1 <= len(name) <= 48:
            raise Rejection(Result.OUT_OF_RANGE, Field.HUNT, 10)
        return _HELLO.pack(self.producer, self.ack, self.rights, len(name), self.options, 0, name)

    @classmethod
    def unpack(cls, data) -> "Hello":
        """The checked fields of a hello; for servers and tests."""
        producer, ack, rights, size, options, reserved, name = _HELLO.unpack(data)
        if not 1 <= producer < 1 << 63:
            raise Rejection(Result.OUT_OF_RANGE, Field.PRODUCER, 0)
        if ack > 1:
            raise Rejection(Result.OUT_OF_RANGE, position=8)
        if rights & ~3:
            raise Rejection(Result.RESERVED_FLAG, Field.FLAGS, 9)
        if not 1 <= size <= 48:
            raise Rejection(Result.OUT_OF_RANGE, Field.HUNT, 10)
        if options & ~1:
            raise Rejection(Result.RESERVED_FLAG, Field.FLAGS, 11)
        if reserved:
            raise Rejection(Result.OUT_OF_RANGE, position=12)
        for offset in range(size, 48):
            if name[offset]:
                raise Rejection(Result.OUT_OF_RANGE, Field.HUNT, 16 + offset)
        try:
            hunt = name[:size].decode()
        except UnicodeDecodeError:
            raise Rejection(Result.MALFORMED, Field.HUNT, 16) from None
        return cls(producer, hunt, ack, rights, options)


@dataclass
class Welcome:
    high_sequence: int = 0
    offset: int = 0
    time: int = 0
    hunt: int = 0
    event_count_max: int = EVENT_COUNT_MAX
    rights: int = Right.INGEST

    def pack(self) -> bytes:
        return _WELCOME.pack(self.high_sequence, self.offset, self.time, self.hunt,
                             self.event_count_max, self.rights, b"")

    @classmethod
    def unpack(cls, data) -> "Welcome":
        return cls(*_WELCOME.unpack(data)[:-1])


@dataclass
class Acknowledgement:
    head: int = 0
    durable: int = 0
    applied: int = 0
    duplicate: int = 0
    rejected: int = 0
    late: int = 0
    shed: int = 0
    level: int = Ack.DURABLE

    def pack(self) -> bytes:
        return _ACKNOWLEDGEMENT.pack(self.head, self.durable, self.applied, self.duplicate,
                                     self.rejected, self.late, self.shed, self.level, b"")

    @classmethod
    def unpack(cls, data) -> "Acknowledgement":
        return cls(*_ACKNOWLEDGEMENT.unpack(data)[:-1])


@dataclass
class Refusal:
    """The payload of `busy` and `fault`."""

    result: int
    field: int = 0
    closing: int = 0
    position: int = 0
    retry_ms: int = 0
    count: int = 0

    def pack(self) -> bytes:
        return _REFUSAL.pack(self.result, self.field, self.closing, self.position, self.retry_ms,
                             self.count, b"")

    @classmethod
    def unpack(cls, data) -> "Refusal":
        return cls(*_REFUSAL.unpack(data)[:-1])
