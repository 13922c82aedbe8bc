"""Reads the segment files of a hunt's journal, on its own: docs/formats/journal.md.

Checks of each frame: magic, offsets without a gap, room in its segment, and for the part not read before
the checksum. Not checked: the hash chain; `veltrix inspect` and `veltrix replay` do that.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
from typing import List, NamedTuple

from veltrix.crc32c import crc32c

from checking import check

BLOCK = 4096
SIZE = 64
_FRAME = struct.Struct("<4sB3sQQIIQQqQ")
_MAGIC = b"VJF1"
#: A frame is put into the next segment when fewer slots than this are left for events.
_ROOM_MIN = 64


class FramePlace(NamedTuple):
    path: str
    byte: int
    first: int
    #: 0 where the frame ends its segment before that is full.
    count: int
    #: Everything below this offset was flushed when the frame was made.
    flushed: int

    @property
    def size(self):
        return SIZE + self.count * SIZE


class Journal:
    """What stands in the files: `events` (64 bytes each, joined) and `frames`, in order."""

    def __init__(self, events: bytes, frames: List[FramePlace], segments: List[str]):
        self.events, self.frames, self.segments = events, frames, segments

    @property
    def count(self):
        return len(self.events) // SIZE

    def __getitem__(self, offset) -> bytes:
        return self.events[offset * SIZE:offset * SIZE + SIZE]

    def digest(self, count) -> bytes:
        """Of the first `count` events."""
        return hashlib.sha256(memoryview(self.events)[:count * SIZE]).digest()


def segment_paths(folder) -> List[str]:
    """Segments as they are called uncompressed; some may lie there with `.zst` behind."""
    names = {name[:-4] if name.endswith(".zst") else name for name in os.listdir(folder)
             if name.endswith((".vj", ".vj.zst"))}
    return [os.path.join(folder, name) for name in sorted(names)]


def read_segment(path) -> bytes:
    """The bytes of a segment, compressed or not."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        done = subprocess.run(["zstd", "-dcq", path + ".zst"], capture_output=True)
        check(done.returncode == 0, f"{path}.zst: {done.stderr.decode()}")
        return done.stdout


def unpack(folder):
    """Brings compressed segments back to what they were."""
    for name in os.listdir(folder):
        if name.endswith(".vj.zst"):
            path = os.path.join(folder, name[:-4])
            data = read_segment(path)
            with open(path, "wb") as file:
                file.write(data)
            os.unlink(path + ".zst")


def read_journal(folder, checked=0) -> Journal:
    """The whole frames of the journal in `folder`; checksums of events from offset `checked` on."""
    parts, frames, offset = [], [], 0
    paths = segment_paths(folder)
    for at, path in enumerate(paths):
        check(int(os.path.basename(path)[:-3]) == at + 1, f"{path}: segment {at + 1} should be here")
        data = read_segment(path)
        check(data[:4] == b"VJS1", f"{path}: no segment header")
        byte, is_ended = BLOCK, False
        while True:
            frame = _frame(data, path, byte, offset, checked)
            if frame is None:
                break
            frames.append(frame)
            parts.append(data[byte + SIZE:byte + frame.size])
            offset += frame.count
            byte += frame.size
            is_ended = frame.count == 0
            if is_ended:
                check(not any(data[byte:]), f"{path}: byte {byte}: bytes behind the segment's end")
                break
        if not is_ended and (len(data) - byte) // SIZE > _ROOM_MIN:
            break
    return Journal(b"".join(parts), frames, paths)


def _frame(data, path, byte, offset, checked):
    """The frame at `byte`; None when none is whole there, which recovery has to judge the same way."""
    if byte + SIZE > len(data):
        return None
    magic, version, _, first, _, count, crc, _, _, _, flushed = _FRAME.unpack_from(data, byte)
    end = byte + SIZE + count * SIZE
    if magic != _MAGIC or not (1 if version == 1 else 0) <= count <= 16384 or end > len(data):
        return None
    if first + max(count, 1) > checked:
        blank = data[byte:byte + 28] + bytes(4) + data[byte + 32:byte + SIZE]
        if crc32c(data[byte + SIZE:end], crc32c(blank)) != crc:
            return None
    check(version == (1 if count else 2) and first == offset,
          f"{path}: byte {byte}: a frame of offset {first} where {offset} should be")
    return FramePlace(path, byte, first, count, flushed)
