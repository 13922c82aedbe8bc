"""Ways to damage a copy of a data folder, and what the engine must do about each."""

from __future__ import annotations

import os
import random
import shutil
from typing import NamedTuple, Optional

from .journal import BLOCK, SIZE, Journal, unpack

#: Every way, in the order in which rounds go through them.
WAYS = ("torn", "flipped", "lost-segment", "short", "definition", "manifest", "torn-blocks",
        "map", "torn-garbage", "lost-manifest", "header", "snapshot", "compressed")


class Damage(NamedTuple):
    #: What was done, for people.
    text: str
    #: Entries that must be recovered; None when the engine must refuse with status 3.
    recovers: Optional[int]
    #: What its refusal must say.
    names: tuple = ()
    #: Damaged files that the engine leaves as they are and goes around.
    remains: tuple = ()


def damage(way, hunt, journal: Journal, random: random.Random) -> Optional[Damage]:
    """Damages the hunt's folder `hunt`, a copy whose journal is `journal`; None when it has no place
    for this kind of damage."""
    folder = os.path.join(hunt, "journal")
    if way == "snapshot":
        return _snapshots(os.path.join(hunt, "snapshots"), journal, random)
    # Without snapshots the whole journal is read.
    shutil.rmtree(os.path.join(hunt, "snapshots"), ignore_errors=True)
    if way == "compressed":
        return _compressed(folder, random)
    unpack(folder)

    def moved(path):
        return os.path.join(folder, os.path.basename(path))

    frames = journal.frames
    last = frames[-1]
    if way == "short":
        # Segments are written to their full length before use: no torn write can do this.
        path, size = moved(last.path), random.randrange(BLOCK, os.path.getsize(last.path))
        os.truncate(path, size)
        return Damage(f"{os.path.basename(path)} cut short at byte {size}", None, (path, f"{size} bytes"))
    if way.startswith("torn"):
        return _tear(way, moved(last.path), last, random)
    if way == "flipped":
        # What a later frame calls flushed; with --durability interval or os the rest may be torn.
        safe = [frame for frame in frames[:-1] if frame.first + frame.count <= last.flushed]
        if not safe:
            return None
        frame = random.choice(safe)
        byte = frame.byte + random.randrange(frame.size)
        _flip(moved(frame.path), byte, random)
        return Damage(f"bit at byte {byte} of {os.path.basename(frame.path)} in the frame at "
                      f"{frame.byte}", None, (moved(frame.path), f"byte {frame.byte}:"))
    if way == "lost-segment":
        used = sorted({frame.path for frame in frames})
        if len(used) < 2:
            return None
        path = random.choice(used[:-1])
        os.unlink(moved(path))
        return Damage(f"{os.path.basename(path)} deleted", None, (folder,))
    if way == "header":
        path = moved(random.choice(frames).path)
        byte = random.randrange(64)
        _flip(path, byte, random)
        return Damage(f"bit at byte {byte} of {os.path.basename(path)}", None, (path, "byte 0"))
    if way == "lost-manifest":
        os.unlink(os.path.join(hunt, "manifest"))
        return Damage("manifest deleted, journal kept", None, ("manifest",))
    path = os.path.join(hunt, "world.vxw" if way == "map" else way)
    byte = random.randrange(os.path.getsize(path))
    _flip(path, byte, random)
    return Damage(f"bit at byte {byte} of {way}", None, (hunt,))


def _snapshots(folder, journal, random) -> Optional[Damage]:
    """Some or all snapshots are damaged: what they hold is in the journal. An incremental one cannot
    be used without those that it builds on."""
    names = [name for name in os.listdir(folder)] if os.path.isdir(folder) else []
    names = [name for name in names if name.endswith(".vs")]
    if not names:
        return None
    bases = {name: _base(os.path.join(folder, name)) for name in names}
    chosen = random.sample(names, random.randint(1, len(names)))
    useless = [name for name in names if any(part in chosen for part in _chain(name, bases))]
    for name in chosen:
        path = os.path.join(folder, name)
        way = random.randrange(3)
        if way == 0:
            os.truncate(path, random.randrange(os.path.getsize(path)))
        elif way == 1:
            _flip(path, random.randrange(os.path.getsize(path)), random)
        else:
            os.unlink(path)
    return Damage(f"snapshots {chosen} of {names} damaged", journal.count,
                  remains=tuple(os.path.join(folder, name) for name in useless))


def _base(path):
    """The name of the snapshot that one builds on, from byte 56 of its header."""
    with open(path, "rb") as file:
        return f"{int.from_bytes(file.read(64)[56:], 'little')}.vs"


def _chain(name, bases):
    while name in bases:
        yield name
        name = bases[name]


def _compressed(folder, random) -> Optional[Damage]:
    names = sorted(name for name in os.listdir(folder) if name.endswith(".vj.zst"))
    if not names:
        return None
    path = os.path.join(folder, random.choice(names))
    size = random.randrange(os.path.getsize(path))
    os.truncate(path, size)
    return Damage(f"{os.path.basename(path)} cut short at byte {size}", None, (path,))


def _flip(path, byte, random):
    with open(path, "r+b") as file:
        file.seek(byte)
        old = file.read(1)[0]
        file.seek(byte)
        file.write(bytes([old ^ 1 << random.randrange(8)]))


def _tear(way, path, frame, random) -> Optional[Damage]:
    """The last frame's write did not get to its end."""
    end = frame.byte + frame.size
    name = os.path.basename(path)
    cut = random.randrange(frame.byte, end)
    with open(path, "r+b") as file:
        size = os.path.getsize(path)
        if way == "torn":
            # The rest is as it was prepared: zeros. What was cut may have been zeros before.
            file.seek(cut)
            rest = file.read(end - cut)
            if not any(rest):
                return None
            file.seek(cut)
            file.write(bytes(len(rest)))
            text = f"{name} zero from byte {cut} on, in the frame at {frame.byte}"
        elif way == "torn-garbage":
            file.seek(cut)
            file.write(random.randbytes(min(512, size - cut)))
            text = f"{name} garbage at byte {cut}, in the frame at {frame.byte}"
        else:
            # Blocks reach the disk in any order: the first may be missing while others are there.
            first_end = (frame.byte // BLOCK + 1) * BLOCK
            if end <= first_end:
                return None
            file.seek(frame.byte)
            file.write(bytes(first_end - frame.byte))
            text = f"{name} first block of the frame at {frame.byte} missing"
    return Damage(text, frame.first)
