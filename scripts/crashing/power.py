"""Power cuts: what a killed engine had written and not flushed is undone, as power.c noted it.

A cut loses all of it, or a random part: of writes any, of changes to a folder those from some moment on.
Not simulated: sectors torn inside a write of the journal that was under way (crashing/damage.py and the
Swift tests do that), files made durable by anything but their own flush, a disk that lies.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections import Counter

from checking import Engine, check

HERE = os.path.dirname(os.path.abspath(__file__))


def compiler() -> list:
    """The command of a C compiler: $CC, else the first of cc, gcc and clang (which comes with Swift)."""
    if words := shlex.split(os.environ.get("CC", "")):
        check(shutil.which(words[0]), f"CC={os.environ['CC']}: there is no program {words[0]}")
        return words
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    check(False, "power cuts need a C compiler: neither $CC is set nor is there cc, gcc or clang on PATH")


class Power:
    """The power of one data folder; `environment` is for the engine, `cut` for when it was killed."""

    def __init__(self, data, random):
        base = os.path.dirname(data)
        self.random, self.side = random, os.path.join(base, "power")
        self.layer = os.path.join(base, "power.so")
        done = subprocess.run(
            [*compiler(), "-O1", "-shared", "-fPIC", "-o", self.layer,
             os.path.join(HERE, "power.c"), "-ldl"], capture_output=True, text=True)
        check(done.returncode == 0, f"power.c: {done.stderr}")
        os.makedirs(self.side)
        self.environment = {"LD_PRELOAD": self.layer, "POWER_ROOT": data, "POWER_SIDE": self.side}
        #: What was taken back so far, by the letter of its record, and cuts that took something.
        self.undone, self.cuts = Counter(), 0

    def cut(self):
        """Takes what was not durable, and begins anew."""
        records = self._records()
        flushed, folders = {}, {}
        for kind, number, rest in records:
            if kind == "F":
                flushed[rest[0]] = number
            elif kind == "D":
                folders[rest[0].rstrip("/")] = number
        is_whole = self.random.random() < 0.5
        # Of the changes of folders, those up to here were on the disk by chance.
        numbers = [number for _, number, _ in records] or [0]
        reached = 0 if is_whole else self.random.randint(0, max(numbers))
        count = 0
        for kind, number, rest in reversed(records):
            if kind == "W":
                if number > flushed.get(rest[0], 0) and (is_whole or self.random.random() < 0.5):
                    count += self._undo(kind, number, rest)
            elif kind in "CMRU":
                folder = os.path.dirname(rest[-1])
                if number > max(folders.get(folder, 0), reached):
                    count += self._undo(kind, number, rest)
        self.cuts += count > 0
        shutil.rmtree(self.side)
        os.makedirs(self.side)

    def _records(self) -> list:
        try:
            with open(os.path.join(self.side, "log"), "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return []
        records, at = [], 0
        while (end := data.find(b"\n", at)) >= 0:
            kind, number, rest = data[at:end].decode().split(" ", 2)
            at = end + 1
            if kind == "W":
                inode, offset, size, length = map(int, rest.split())
                before, at = data[at:at + length], at + length
                fields = (inode, offset, size, before)
            elif kind == "F":
                fields = (int(rest),)
            elif kind == "C":
                inode, path = rest.split(" ", 1)
                fields = (int(inode), path)
            elif kind == "R":
                inode, had, paths = rest.split(" ", 2)
                fields = (int(inode), had == "1", *paths.split("\t"))
            else:
                fields = (rest,)
            records.append((kind, int(number), fields))
        return records

    def _undo(self, kind, number, rest) -> bool:
        """Whether there was something to undo: the kill may have come between the note and the change."""
        if kind == "W":
            inode, offset, size, before = rest
            with open(os.path.join(self.side, f"i{inode}"), "r+b") as file:
                file.seek(offset)
                file.write(before)
                file.truncate(size)
        elif kind == "C":
            inode, path = rest
            if not os.path.exists(path) or os.stat(path).st_ino != inode:
                return False
            os.unlink(path)
        elif kind == "M":
            try:
                os.rmdir(rest[0])
            except OSError:
                return False  # what is in it was durable, so it was too
        elif kind == "R":
            inode, had, source, target = rest
            if not os.path.exists(target) or os.stat(target).st_ino != inode:
                return False
            os.rename(target, source)
            if had:
                os.link(os.path.join(self.side, f"r{number}"), target)
        else:
            if os.path.exists(rest[0]) or not os.path.isdir(os.path.dirname(rest[0])):
                return False  # not removed, or its folder was for good
            os.link(os.path.join(self.side, f"u{number}"), rest[0])
        self.undone[kind] += 1
        return True


class CutEngine(Engine):
    """An engine whose machine loses power with it."""

    def __init__(self, power, *arguments):
        super().__init__(*arguments)
        self.power, self.environment = power, power.environment

    def launch(self):
        """Nothing is read by the next run that the end of the one before did not leave."""
        self.power.cut()
        return super().launch()

    def close(self):
        super().close()
        self.power.cut()
