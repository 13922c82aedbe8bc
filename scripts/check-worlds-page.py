#!/usr/bin/env python3
"""Opens the live page of hunts on voxels and on networks in a headless browser, and takes pictures.

usage: scripts/check-worlds-page.py VELTRIX <picture-prefix> [--scheme light|dark]

  VELTRIX           the program; it is started on a data folder of its own
  <picture-prefix>  pictures are <prefix>-caves.png, <prefix>-roads.png, <prefix>-streets.png

Exits 0 when all is shown, 1 otherwise, 3 without a browser (CHROMIUM names one).

Checks: what check-page.py does, for a world of voxels and for a network with coordinates, while
players move and claim; that players and treasures of the network stand on its roads; that of a
network without coordinates the page says so, and shows board and figures all the same. Does not
check: that heights and roads are where they should be, but for what the pictures show.
"""

import argparse
import importlib.util
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from checking import Checks, Engine

spec = importlib.util.spec_from_file_location(
    "check_page", os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-page.py"))
check_page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_page)

check = Checks()

# Pixels of the scene's canvas that something was drawn on, and what the page says.
SCENE = """(() => {
  const canvas = document.querySelector('#scene');
  const p = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let drawn = 0;
  for (let i = 3; i < p.length; i += 4) drawn += p[i] > 0;
  const notice = document.getElementById('notice');
  return { drawn, notice: notice.hidden ? '' : notice.textContent };
})()"""


def build(program, folder, name, *flags):
    os.makedirs(os.path.join(folder, "data/worlds"), exist_ok=True)
    subprocess.run([program, "world", "build", *flags, "--output",
                    os.path.join(folder, f"data/worlds/{name}.vxw")],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make(engine, name):
    """A hunt on the world of this name; where its treasures lie."""
    status, answer = engine.call("POST", "", {
        "hunt": name, "world": {"name": name}, "rules": {"speed_max": "any", "walls": False},
        "treasures": {"generate": {"count": 150, "stock": 40, "seed": 5}},
        "boards": [{"name": "all"}]})
    check(f"{name}: a hunt is made", status == 201, answer)
    return engine.get(f"/v1/hunts/{name}/treasures?limit=1000")["treasures"]


def play(engine, hunt, treasures, stopped):
    """Players go from treasure to treasure and claim them, a step each 100 ms."""
    rng = random.Random(7)
    kind = "join"
    while not stopped.wait(0.1):
        events = []
        for player in range(1, 121):
            if kind == "join" or rng.random() < 0.1:
                at = rng.choice(treasures)
                place = {key: at[key] for key in ("x", "y", "z")}
                events.append({"kind": kind, "player": player, **place})
                events.append({"kind": "claim", "player": player, "treasure": at["id"]})
        engine.call("POST", f"/{hunt}/events", events)
        kind = "move"


def look(engine, path, hunt, picture, scheme):
    """Faults of check-page.py, what the scene shows."""
    options = argparse.Namespace(
        url=f"http://{engine.http}/#hunt={hunt}", picture=picture, size=(1600, 900), scheme=scheme,
        wait=12)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = check_page.Browser(path, profile, time.monotonic() + 90)
        try:
            return check_page.check(browser, options), browser.value(SCENE)
        finally:
            browser.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("prefix")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    options = parser.parse_args()
    browser = check_page.find_browser(None)
    if not browser:
        print("check-worlds-page: no chromium found", file=sys.stderr)
        return 3
    program = os.path.abspath(options.program)
    folder = tempfile.mkdtemp(prefix="veltrix-page-")
    build(program, folder, "caves", "--generate", "caves", "--width", "160", "--height", "100",
          "--depth", "40")
    build(program, folder, "roads", "--generate", "roads", "--width", "60", "--height", "34")
    source = os.path.join(folder, "streets.csv")
    rng = random.Random(3)
    with open(source, "w", encoding="ascii") as file:
        for node in range(1, 400):
            file.write(f"{node},{node + 1},{rng.randint(1, 9)},1\n")
    build(program, folder, "streets", source)
    engine = Engine(program, os.path.join(folder, "data")).start()
    try:
        for hunt in ("caves", "roads", "streets"):
            treasures, stopped = make(engine, hunt), threading.Event()
            player = threading.Thread(target=play, args=(engine, hunt, treasures, stopped))
            player.start()
            try:
                faults, seen = look(
                    engine, browser, hunt, f"{options.prefix}-{hunt}.png", options.scheme)
            finally:
                stopped.set()
                player.join()
            if hunt == "streets":
                bare = [fault for fault in faults if "colours" not in fault
                        and "/world/drawing" not in fault]
                check("streets: the page says that it has nothing to draw them by",
                      "nobody has said where they lie" in seen["notice"], seen)
                check("streets: nothing is drawn at places that are none", seen["drawn"] == 0, seen)
                check("streets: board and figures live", not bare, bare)
            else:
                check(f"{hunt}: the page lives", not faults, faults)
                check(f"{hunt}: it says nothing is missing", not seen["notice"], seen)
                check(f"{hunt}: players and treasures are drawn", seen["drawn"] > 5_000, seen)
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
    return check.status()


if __name__ == "__main__":
    sys.exit(main())
