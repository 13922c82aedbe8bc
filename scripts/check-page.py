#!/usr/bin/env python3
"""Opens the live page of a running node, takes a picture, and fails when the page does not live.

usage: scripts/check-page.py <base-url> <file.png> [--size <w>x<h>] [--scheme light|dark]
                             [--wait <s>] [--chromium <path>]
  <base-url>         where the node listens, such as http://127.0.0.1:7400
  <file.png>         the picture is written there, also when the check fails
  --size <w>x<h>     200...8000 each, pixels                                  default 1600x900
  --scheme           colours the page is asked for                            default light
  --wait <s>         1...600, how long the page may take to come alive        default 10
  --chromium <path>  default: $CHROMIUM, then chromium or google-chrome on the path
exit: 0 the page lives, 1 it does not, 2 bad usage, 3 no browser

Checks: no console errors and no uncaught exceptions; the ground is drawn, which means that the map
canvas holds at least 12 colours; the board has rows; the page says "live" and its offset grows.

Does not check: that the figures are right, what a phone shows, or how smoothly it moves.
"""

import argparse
import base64
import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

COLOURS_MIN = 12


def find_browser(wanted):
    for name in (wanted, os.environ.get("CHROMIUM"), "chromium", "chromium-browser",
                 "google-chrome", "google-chrome-stable"):
        path = name and shutil.which(name)
        if path:
            return path
    return None


class Browser:
    """Headless Chromium, spoken to over the DevTools protocol: JSON with a zero byte after each.

    The pipe version needs no port and no WebSocket, hence nothing beyond the standard library.
    """

    def __init__(self, path, profile, deadline):
        self.deadline, self.number, self.rest, self.events = deadline, 0, b"", []
        self.session = None
        # Chromium reads from descriptor 3 and writes to 4; ours must not be those two.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for pair in (os.pipe(), os.pipe())
                for end in pair]
        to_read, self.to, self.back, to_write = ends
        self.process = subprocess.Popen(
            [path, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--no-first-run", f"--user-data-dir={profile}", "--remote-debugging-pipe",
             "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=lambda: (os.dup2(to_read, 3), os.dup2(to_write, 4)))
        os.close(to_read)
        os.close(to_write)
        page = next(t for t in self.ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.ask(
            "Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def next(self):
        while b"\0" not in self.rest:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                raise RuntimeError("the browser did not answer in time")
            piece = os.read(self.back, 1 << 16)
            if not piece:
                raise RuntimeError("the browser ended")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def value(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def faults(self):
        """What the console and uncaught exceptions said so far."""
        out = []
        for event in self.events:
            about = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                thrown = about["exceptionDetails"]
                out.append("uncaught: " + thrown.get("exception", {}).get(
                    "description", thrown["text"]).splitlines()[0])
            elif event.get("method") == "Runtime.consoleAPICalled" and about["type"] == "error":
                out.append("console: " + " ".join(
                    str(a.get("value", a.get("description"))) for a in about["args"]))
            elif event.get("method") == "Log.entryAdded" and about["entry"]["level"] == "error":
                # Browsers ask for an icon by themselves; a node without one is still a good node.
                if not about["entry"].get("url", "").endswith("/favicon.ico"):
                    out.append(f"console: {about['entry']['text']} {about['entry'].get('url', '')}")
        return out

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.back)


# What a visitor would notice, asked of the page itself. The map is looked at through a small copy.
LOOK = """(() => {
  const canvas = document.querySelector('#ground'), colours = new Set();
  if (canvas && canvas.width > 1) {
    const copy = document.createElement('canvas');
    copy.width = 160; copy.height = 120;
    const c = copy.getContext('2d');
    c.imageSmoothingEnabled = false;
    c.drawImage(canvas, 0, 0, 160, 120);
    const p = c.getImageData(0, 0, 160, 120).data;
    for (let i = 0; i < p.length; i += 4) colours.add(p[i] << 16 | p[i + 1] << 8 | p[i + 2]);
  }
  const text = id => document.getElementById(id)?.textContent ?? '';
  return { colours: colours.size, link: text('link'), offset: text('offset'),
    rows: document.querySelectorAll('#board li').length };
})()"""


def check(browser, options):
    """Faults as sentences; writes the picture on the way."""
    for domain in ("Page", "Runtime", "Log"):
        browser.ask(f"{domain}.enable")
    browser.ask("Emulation.setDeviceMetricsOverride", width=options.size[0],
                height=options.size[1], deviceScaleFactor=1, mobile=False)
    browser.ask("Emulation.setEmulatedMedia", features=[
        {"name": "prefers-color-scheme", "value": options.scheme}])
    failed = browser.ask("Page.navigate", url=options.url).get("errorText")
    if failed:
        return [f"{options.url}: {failed}"]
    until, first = time.monotonic() + options.wait, ""
    while True:
        seen = browser.value(LOOK)
        first = first or seen["offset"]
        lives = (seen["colours"] >= COLOURS_MIN and seen["rows"] and seen["offset"] != first
                 and seen["link"].startswith("live"))
        if lives or time.monotonic() > until:
            break
        time.sleep(0.25)
    time.sleep(1)       # rows glide, ripples spread: let the picture settle
    image = browser.ask("Page.captureScreenshot", format="png")["data"]
    with open(options.picture, "wb") as file:
        file.write(base64.b64decode(image))
    print(f"{seen['colours']} colours of ground, {seen['rows']} board rows, "
          f"{seen['offset'] or 'no offset'}, \"{seen['link']}\"")
    faults = browser.faults()
    if seen["colours"] < COLOURS_MIN:
        faults.append(f"the map canvas holds {seen['colours']} colours, {COLOURS_MIN} wanted")
    if not seen["rows"]:
        faults.append(f"no board rows after {options.wait} s")
    if not seen["link"].startswith("live"):
        faults.append(f"the page says \"{seen['link']}\" instead of live")
    elif seen["offset"] == first:
        faults.append(f"the offset did not move within {options.wait} s")
    return faults


def main():
    parser = argparse.ArgumentParser(usage="scripts/check-page.py <base-url> <file.png> "
                                     "[--size <w>x<h>] [--scheme light|dark] [--wait <s>] "
                                     "[--chromium <path>]")
    parser.add_argument("url")
    parser.add_argument("picture")
    parser.add_argument("--size", default="1600x900")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--wait", type=int, default=10)
    parser.add_argument("--chromium")
    options = parser.parse_args()
    size = re.fullmatch(r"(\d{3,4})x(\d{3,4})", options.size)
    options.size = size and (int(size[1]), int(size[2]))
    if not size or not all(200 <= side <= 8000 for side in options.size):
        parser.error("--size: two numbers in 200...8000, such as 1600x900")
    if not 1 <= options.wait <= 600:
        parser.error(f"--wait {options.wait}: not in 1...600")
    browser = find_browser(options.chromium)
    if not browser:
        print("check-page: no chromium found; say where with --chromium", file=sys.stderr)
        return 3
    faults = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        chromium = None
        try:
            chromium = Browser(browser, profile, time.monotonic() + options.wait + 60)
            faults = check(chromium, options)
        except (RuntimeError, OSError) as fault:
            faults = [str(fault)]
        finally:
            if chromium:
                chromium.end()
    for fault in faults:
        print(f"check-page: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
