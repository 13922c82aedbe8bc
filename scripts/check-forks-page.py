#!/usr/bin/env python3
"""Works the page's forks panel by keyboard in a headless browser, against an engine with a hunt that
is played meanwhile.

usage: scripts/check-forks-page.py VELTRIX [PREFIX]

  VELTRIX   the program; it is started on a data folder of its own
  PREFIX    pictures go to PREFIX-light.png and PREFIX-dark.png; default: none are kept

Exit: 0 it works, 1 it does not, 3 no browser.

Checks: who loses and who gains by an unplay, as the page shows it, beside what the engine says; that a
fork which became stale is not promoted and that the page says so; promotion, rollback and discarding,
and what the hunt is after each; that Tab, Enter and Escape do everything; names that look like HTML.
Does not check: the engine's judgement (check-forks.py does), speed, other browsers.
"""

import base64
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
import time

import checking
from checking import play, scores, small_hunt

spec = importlib.util.spec_from_file_location(
    "check_page", os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-page.py"))
check_page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_page)

CHEAT, ANNA, BEN = 7, "<b>anna</b>", "ben"


class Page:
    """The page, as somebody without a mouse uses it."""

    def __init__(self, browser):
        self.browser = browser

    def key(self, key):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        if key == "Enter":
            about["text"] = "\r"
        self.browser.ask("Input.dispatchKeyEvent", type="keyDown", **about)
        self.browser.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text):
        self.browser.ask("Input.insertText", text=text)

    def press(self, name):
        """Goes to what has an id or a text by Tab, and presses Enter."""
        for _ in range(80):
            if self.browser.value("document.activeElement?.id || document.activeElement"
                                  "?.textContent") == name:
                return self.key("Enter")
            self.key("Tab")
        raise AssertionError(f"Tab does not reach {name}")

    def fill(self, name, text):
        self.browser.value(f"document.querySelector('#{name}').focus()")
        self.browser.value(f"document.querySelector('#{name}').value = ''")
        self.type(text)
        self.key("Enter")

    def until(self, expression, what):
        end = time.monotonic() + 15
        while not self.browser.value(expression):
            if time.monotonic() > end:
                said = self.browser.value("document.querySelector('#forks').innerText")
                raise AssertionError(f"{what}; the panel says: {said}")
            time.sleep(0.1)

    def until_said(self, words):
        self.until(f"{text('#forksSaid')}.includes('{words}')", f"not told: {words}")

    def until_rows(self, count):
        self.until(f"document.querySelectorAll('#forkPlayers tbody tr').length === {count}",
                   f"not {count} players")

    def rows(self):
        return self.browser.value(
            "Array.from(document.querySelectorAll('#forkPlayers tbody tr'), "
            "row => row.innerText.replace(/\\s+/g, ' ').trim())")

    def picture(self, path):
        self.browser.ask("Runtime.evaluate", expression="document.querySelector('#forks')"
                         ".scrollIntoView()")
        time.sleep(0.4)
        image = self.browser.ask("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(image))


def same(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {got!r}")


def text(of):
    return f"(document.querySelector('{of}')?.innerText ?? '')"


def forks(engine):
    return [fork["id"] for fork in engine.get("/v1/hunts/market/forks")["forks"]]


def promote(page):
    page.press("forkPromote")
    page.until("document.querySelector('#forkSure').open", "no question")
    page.press("Yes, make it so")


def work(page, engine, prefix):
    page.until("!document.querySelector('#forks').hidden", "no panel")
    page.fill("unplayWho", str(CHEAT))
    page.until_rows(3)
    same(page.rows(), ["#7 1,060 → – 1 → –", "<b>anna</b> 60 → 1,060 +1,000 2 → 1 ▲1",
                       "ben 10 → 60 +50 3 → 2 ▲1"], "who gains and who loses")
    same(page.browser.value(text("#forkPrizes")).split("\n"),
         ["Treasure #1: #7 → <b>anna</b>", "Treasure #2: #7 → ben", "Treasure #3: #7 → nobody"],
         "prizes that change hands")
    if prefix:
        for scheme in ("light", "dark"):
            page.browser.ask("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": scheme}])
            page.picture(f"{prefix}-{scheme}.png")
    # Escape keeps the hunt.
    page.press("forkPromote")
    page.until("document.querySelector('#forkSure').open", "no question")
    page.key("Escape")
    page.until("!document.querySelector('#forkSure').open", "Escape does not keep the hunt")
    same(scores(engine, "market")[CHEAT], 1060, "the cheater's score after Escape")
    # Somebody else promotes another fork meanwhile: this one is of a line that is no more.
    (mine,) = forks(engine)
    status, answer = engine.call("POST", "/market/rollback", {"to": "head", "promote": True})
    same((status, answer["fork"]["state"]), (201, "promoted"), "a rollback by somebody else")
    promote(page)
    page.until_said("it changed since you looked")
    same(scores(engine, "market")[CHEAT], 1060, "the cheater's score after a stale promotion")
    # Made again, it is promoted.
    page.fill("unplayWho", str(CHEAT))
    page.until_said(f"Fork {max(forks(engine))}")
    page.until_rows(3)
    promote(page)
    page.until_said("is the hunt now")
    after = scores(engine, "market")
    same((after.get(CHEAT), after[ANNA], after[BEN]), (None, 1060, 60), "scores once it is promoted")
    # Roll back, look, discard.
    page.fill("rollbackTo", "0")
    page.until_rows(3)
    same(page.rows(), ["<b>anna</b> 1,060 → – 1 → –", "ben 60 → – 2 → –", "walker 0 → – – → –"],
         "what a rollback to the beginning takes")
    page.press("forkDiscard")
    page.until_said("discarded")
    same(forks(engine)[0], mine, "the first fork")
    same(4 in forks(engine), False, "whether the discarded fork is there")
    page.until("document.querySelector('#link').textContent.startsWith('live')", "not live")
    board = f"{text('#board')}"
    page.until(f"{board}.includes('<b>anna</b>') && !{board}.includes('#7')",
               "the board still shows who was taken out")


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    found = check_page.find_browser(None)
    if not found:
        print("check-forks-page: no chromium found", file=sys.stderr)
        return 3
    folder = tempfile.mkdtemp(prefix="check-forks-page-")
    engine = checking.Engine(os.path.abspath(sys.argv[1]), folder + "/data").start()
    faults, browser, ended = [], None, threading.Event()

    def move():
        """Somebody walks about all the while, so that the hunt is never still."""
        while not ended.wait(0.05):
            play(engine, "market", [("walker", 3)], kind="move")

    try:
        engine.call("POST", "", small_hunt("market"))
        engine.call("POST", "/market/start")
        play(engine, "market", [(CHEAT, 1), (CHEAT, 2), (CHEAT, 3), (ANNA, 1), (ANNA, 2), (BEN, 2),
                                (ANNA, 3), (BEN, 3)])
        threading.Thread(target=move, daemon=True).start()
        browser = check_page.Browser(found, folder + "/profile", time.monotonic() + 120)
        for domain in ("Page", "Runtime", "Log"):
            browser.ask(f"{domain}.enable")
        browser.ask("Emulation.setDeviceMetricsOverride", width=1500, height=1000,
                    deviceScaleFactor=1, mobile=False)
        browser.ask("Page.navigate", url=f"http://{engine.http}/")
        work(Page(browser), engine, sys.argv[2] if len(sys.argv) == 3 else None)
        # The refusal of the stale fork is one that was asked for.
        faults = [fault for fault in browser.faults() if "/forks/1/promote" not in fault]
    except (AssertionError, RuntimeError, OSError, checking.Violation) as fault:
        faults = [str(fault)]
    finally:
        ended.set()
        if browser:
            browser.end()
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
    for fault in faults:
        print(f"check-forks-page: {fault}", file=sys.stderr)
    print("the forks panel works by keyboard" if not faults else "FAILED")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
