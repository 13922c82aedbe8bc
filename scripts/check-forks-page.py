#!/usr/bin/env python3
"""Works the page's forks panel by keyboard in a headless browser, against an engine whose forks are
played by this script, so that every state of a fork can be shown.

usage: scripts/check-forks-page.py <base-url of an engine with a hunt> <picture-prefix>

Writes <prefix>-light.png and <prefix>-dark.png. Exit: 0 it works, 1 it does not, 3 no browser.

Checks: what the page asks for, to the header; what it shows of a fork, its differences and faults;
that Tab, Enter and Escape do everything. Does not check: what an engine makes of it.
"""

import base64
import http.client
import http.server
import importlib.util
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
import urllib.parse

spec = importlib.util.spec_from_file_location(
    "check_page", os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-page.py"))
check_page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_page)

DIFF = {
    "against": "main", "pages_differing": 412, "micros": 3200,
    "counts": {"players": 3, "treasures": 1, "edges": 0, "blocks": 0, "prizes": 2},
    "players": [
        {"player": 7, "score": [120, None], "rank": [1, None]},
        {"player": "<b>anna</b>", "score": [90, 110], "rank": [2, 1]},
        {"player": "ben", "score": [80, 70], "rank": [3, 4]},
    ],
    "prizes": [{"treasure": 4, "winner": [7, "<b>anna</b>"]}, {"treasure": 9, "winner": [7, None]}],
    "next_cursor": "p2",
}
MORE = {**DIFF, "players": [{"player": "zoe", "score": [1, 2], "rank": [9, 9]}], "prizes": []}
del MORE["next_cursor"]


class Forks:
    """Forks as the interface describes them; each is ready a second after it was asked for."""

    def __init__(self):
        self.forks, self.asked, self.lock, self.conflicts = {}, [], threading.Lock(), 1

    def show(self, number):
        at, offset = self.forks[number]
        done = min(1.0, time.monotonic() - at)
        return {"id": number, "state": "ready" if done == 1 else "building", "offset": offset,
                "progress": done, "digest": f"{number:032x}"}

    def answer(self, method, path, query, headers, body):
        with self.lock:
            self.asked.append((method, path, body, headers.get("If-Match")))
            if method == "POST" and path in ("unplay", "rollback"):
                number = len(self.asked)
                self.forks[number] = (time.monotonic(), json.loads(body).get("to", 900))
                return 202, {"fork": self.show(number)}
            if path == "forks":
                return 200, {"forks": [self.show(number) for number in self.forks]}
            number = int(path.split("/")[1])
            if number not in self.forks:
                return 404, {"error": {"code": "unknown_fork", "message": "no such fork"}}
            if method == "DELETE":
                del self.forks[number]
                return 204, None
            if path.endswith("/promote"):
                if self.conflicts:
                    self.conflicts -= 1
                    return 412, {"error": {"code": "changed", "message": "the fork moved on"}}
                del self.forks[number]
                return 200, {"offset": 1000}
            if path.endswith("/diff"):
                return 200, MORE if "cursor=p2" in query else DIFF
            return 200, {"fork": self.show(number)}


def handler(engine, forks):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def tunnel(self):
            """Joins the browser and the engine, for a WebSocket."""
            far = socket.create_connection((engine.hostname, engine.port))
            head = f"{self.command} {self.path} HTTP/1.1\r\n"
            for name, value in self.headers.items():
                if name.lower() not in ("host", "origin"):
                    head += f"{name}: {value}\r\n"
            far.sendall(f"{head}Host: {engine.netloc}\r\n\r\n".encode())

            def pump(source, sink):
                try:
                    while piece := source.recv(65536):
                        sink.sendall(piece)
                except OSError:
                    pass
                for end in (source, sink):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

            back = threading.Thread(target=pump, args=(far, self.connection), daemon=True)
            back.start()
            pump(self.connection, far)
            self.close_connection = True

        def serve(self):
            if self.headers.get("Upgrade"):
                return self.tunnel()
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size) if size else b""
            path, _, query = self.path.partition("?")
            ours = re.fullmatch(r"/v1/hunts/[^/]+/(unplay|rollback|forks(?:/.*)?)", path)
            if ours:
                status, json_body = forks.answer(self.command, ours[1], query, self.headers, body)
                out = b"" if json_body is None else json.dumps(json_body).encode()
                return self.reply(status, "application/json", out)
            far = http.client.HTTPConnection(engine.hostname, engine.port, timeout=30)
            far.request(self.command, self.path, body or None)
            answer = far.getresponse()
            out = answer.read()
            if path == "/openapi.json":
                out = out.replace(b'"paths"', b'"x-forks": "/forks", "paths"', 1)
            self.reply(answer.status, answer.headers["Content-Type"] or "text/plain", out,
                       answer.headers["Content-Security-Policy"])

        def reply(self, status, kind, body, policy=None):
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = serve

    return Handler


class Page:
    def __init__(self, browser):
        self.browser = browser

    def key(self, key, shift=False):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key],
                 "modifiers": 8 if shift else 0}
        if key == "Enter":
            about["text"] = "\r"
        self.browser.ask("Input.dispatchKeyEvent", type="keyDown", **about)
        self.browser.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text):
        self.browser.ask("Input.insertText", text=text)

    def tab_to(self, name):
        for _ in range(60):
            if self.browser.value("document.activeElement?.id || document.activeElement"
                                  "?.textContent") == name:
                return
            self.key("Tab")
        raise AssertionError(f"Tab does not reach {name}")

    def until(self, expression, what):
        end = time.monotonic() + 10
        while not self.browser.value(expression):
            if time.monotonic() > end:
                said = self.browser.value("document.querySelector('#forks').innerText")
                raise AssertionError(f"{what}; the panel says: {said}")
            time.sleep(0.1)

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
    return f"document.querySelector('{of}')?.innerText ?? ''"


def work(page, forks, prefix):
    page.until("!document.querySelector('#forks').hidden", "no panel")
    page.browser.value("document.querySelector('#unplayWho').focus()")
    page.type("7")
    page.key("Enter")
    page.until(f"{text('#forkList')}.includes('building')", "nothing is being built")
    page.until("document.querySelectorAll('#forkPlayers tbody tr').length === 3", "no table")
    same(json.loads(next(a for a in forks.asked if a[1] == "unplay")[2]), {"players": [7]}, "unplay")
    rows = page.browser.value("Array.from(document.querySelectorAll('#forkPlayers tbody tr'), "
                              "row => row.innerText.replace(/\\s+/g, ' ').trim())")
    same(rows, ["#7 120 → – 1 → –", "<b>anna</b> 90 → 110 +20 2 → 1 ▲1", "ben 80 → 70 −10 3 → 4 ▼1"],
         "who gains and who loses")
    if "Treasure #9: #7 → nobody" not in page.browser.value(text("#forkPrizes")):
        raise AssertionError("prizes that change hands are not told")
    page.tab_to("forkMore")
    page.key("Enter")
    page.until("document.querySelectorAll('#forkPlayers tbody tr').length === 4", "no more rows")
    page.picture(f"{prefix}-light.png")
    page.browser.ask("Emulation.setEmulatedMedia", features=[
        {"name": "prefers-color-scheme", "value": "dark"}])
    page.picture(f"{prefix}-dark.png")
    # Escape keeps the hunt; a fork that moved on is told; the second time it is promoted.
    fork = next(iter(forks.forks))
    page.tab_to("forkPromote")
    page.key("Enter")
    page.until("document.querySelector('#forkSure').open", "no question")
    page.key("Escape")
    page.until("!document.querySelector('#forkSure').open", "Escape does not keep the hunt")
    for wanted in ("changed since you looked", "is the hunt now"):
        page.tab_to("forkPromote")
        page.key("Enter")
        page.until("document.querySelector('#forkSure').open", "no question")
        page.tab_to("Yes, make it so")
        page.key("Enter")
        page.until(f"{text('#forksSaid')}.includes('{wanted}')", f"not told: {wanted}")
    promoted = [asked for asked in forks.asked if asked[1] == f"forks/{fork}/promote"]
    same([asked[3] for asked in promoted], [f'"{fork:032x}"'] * 2, "If-Match")
    # Roll back, look, discard.
    page.tab_to("rollbackTo")
    page.type("500")
    page.key("Enter")
    page.until("document.querySelectorAll('#forkPlayers tbody tr').length === 3", "no table")
    same(json.loads(next(a for a in forks.asked if a[1] == "rollback")[2]), {"to": 500}, "rollback")
    page.tab_to("forkDiscard")
    page.key("Enter")
    page.until(f"{text('#forksSaid')}.includes('discarded')", "not discarded")
    same(forks.forks, {}, "forks left")
    page.until("document.querySelector('#link').textContent.startsWith('live')", "not live")


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    found = check_page.find_browser(None)
    if not found:
        print("check-forks: no chromium found", file=sys.stderr)
        return 3
    forks = Forks()
    engine = urllib.parse.urlsplit(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(engine, forks))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    faults, browser = [], None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        try:
            browser = check_page.Browser(found, profile, time.monotonic() + 120)
            for domain in ("Page", "Runtime", "Log"):
                browser.ask(f"{domain}.enable")
            browser.ask("Emulation.setDeviceMetricsOverride", width=1500, height=1000,
                        deviceScaleFactor=1, mobile=False)
            browser.ask("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": "light"}])
            browser.ask("Page.navigate", url=f"http://127.0.0.1:{server.server_port}/")
            work(Page(browser), forks, sys.argv[2])
            faults = [fault for fault in browser.faults() if "412" not in fault]
        except (AssertionError, RuntimeError, OSError) as fault:
            faults = [str(fault)]
        finally:
            if browser:
                browser.end()
    for fault in faults:
        print(f"check-forks: {fault}", file=sys.stderr)
    print("the forks panel works by keyboard" if not faults else "FAILED")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
