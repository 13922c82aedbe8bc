"""The power layer takes what was not flushed, and only that.

    python3 scripts/crashing/test_power.py
"""

import os
import random
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from checking import Violation  # noqa: E402
from crashing.power import Power, compiler  # noqa: E402

PROGRAM = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void put(const char *name, const char *text, int flags, int flushes) {
  int fd = open(name, O_WRONLY | O_CREAT | flags, 0644);
  pwrite(fd, text, strlen(text), 0);
  if (flushes) fsync(fd);
  close(fd);
}
static void keep(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY);
  fsync(fd);
  close(fd);
}
int main(int count, char **names) {
  const char *root = names[1];
  char path[20][4096];
  const char *all[] = {"flushed", "written", "synced", "grown", "gone", "gone for good", "old", "new", "old2",
                       "new2", "late", "cut", "folder", "folder/in"};
  for (int at = 0; at < 14; at++) snprintf(path[at], 4096, "%s/%s", root, all[at]);
  put(path[0], "first", 0, 1), put(path[1], "first", 0, 1), put(path[3], "first", 0, 1);
  put(path[4], "first", 0, 1), put(path[5], "first", 0, 1), put(path[6], "a", 0, 1), put(path[7], "b", 0, 1);
  put(path[8], "a", 0, 1), put(path[9], "b", 0, 1), put(path[11], "first", 0, 1);
  unlink(path[5]), rename(path[8], path[9]);
  keep(root);
  put(path[0], "SECOND", 0, 1), put(path[1], "SECOND", 0, 0), put(path[2], "SECOND", O_DSYNC, 0);
  int fd = open(path[3], O_WRONLY);
  posix_fallocate(fd, 0, 9000);
  close(fd);
  fd = open(path[11], O_WRONLY);
  ftruncate(fd, 2);
  close(fd);
  unlink(path[4]), rename(path[6], path[7]), put(path[10], "x", 0, 1);
  mkdir(path[12], 0755), put(path[13], "x", 0, 1);
  return 0;
}
"""


class Cut(unittest.TestCase):
    def test_what_was_not_flushed_is_gone(self):
        with tempfile.TemporaryDirectory() as base:
            data = os.path.join(base, "data")
            os.makedirs(data)
            with open(os.path.join(base, "program.c"), "w", encoding="ascii") as file:
                file.write(PROGRAM)
            program = os.path.join(base, "program")
            subprocess.run([*compiler(), "-w", "-o", program, program + ".c"], check=True)
            whole = random.Random(1)
            whole.random = lambda: 0.0
            power = Power(data, whole)
            subprocess.run([program, data], check=True, env={**os.environ, **power.environment})
            self.assertIn("folder", os.listdir(data), "the program did nothing")
            power.cut()
            found = {}
            for name in sorted(os.listdir(data)):
                with open(os.path.join(data, name), encoding="ascii") as file:
                    found[name] = file.read()
            self.assertEqual(found, {
                "flushed": "SECOND", "written": "first", "grown": "first", "gone": "first", "old": "a",
                "new": "b", "new2": "a", "cut": "first"})
            self.assertEqual(os.listdir(power.side), [])
            power.cut()
            self.assertEqual(power.cuts, 1)


class Compiler(unittest.TestCase):
    def compiler(self, variable, *programs):
        """What `compiler` finds where these programs are on the path and CC is set so."""
        with tempfile.TemporaryDirectory() as folder:
            for name in programs:
                os.symlink("/bin/true", os.path.join(folder, name))
            with unittest.mock.patch.dict(os.environ, {"PATH": folder, "CC": variable}):
                return compiler()

    def test_that_of_the_environment_goes_first(self):
        self.assertEqual(self.compiler("tcc -g", "cc", "tcc"), ["tcc", "-g"])
        with self.assertRaisesRegex(Violation, "CC=tcc: there is no program tcc"):
            self.compiler("tcc", "cc")

    def test_the_first_that_there_is_is_taken(self):
        self.assertEqual(self.compiler("", "clang", "gcc", "cc"), ["cc"])
        self.assertEqual(self.compiler("", "clang", "gcc"), ["gcc"])
        self.assertEqual(self.compiler("", "clang"), ["clang"])
        with self.assertRaisesRegex(Violation, "cc, gcc or clang"):
            self.compiler("")


if __name__ == "__main__":
    unittest.main()
