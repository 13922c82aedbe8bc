#!/usr/bin/env python3
"""Checks a running engine against its HTTP contract.

usage: check-api.py [URL] [--limits]        default http://127.0.0.1:7400

  --limits   also asks for a hunt with every limit at its most, last of all; an engine that fails
             this check may stop, and not start again on its data folder

Makes hunts of its own (check-...), deletes them at the end, and touches no other. Standard library
only. Prints what failed; exits 0 when nothing did, 1 when something did, 2 when there is no engine.

Verifies statuses, headers, bodies and the meaning of events over HTTP, server-sent events and
WebSocket, by one client at a time. Does not verify recovery after a crash, latency, or load.
"""

import base64
import contextlib
import functools
import http.client
import json
import os
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse

from checking import ask

ARGUMENTS = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
BASE = urllib.parse.urlsplit(ARGUMENTS[0] if ARGUMENTS else "http://127.0.0.1:7400")
HOST, PORT = BASE.hostname or "127.0.0.1", BASE.port or 80
HUNT = f"check-{os.getpid()}-{int(time.time()) % 100_000}"
checks, failures, made = [], [], set()


class Failed(Exception):
    """A check found something else than the contract says."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:300].decode('utf-8', 'replace')}"


def call(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
    try:
        return Answer(*ask(connection, method, path, body, headers))
    finally:
        connection.close()


def get(path):
    return call("GET", path)


def hunt(path="", name=None):
    return get(f"/v1/hunts/{name or HUNT}{path}")


def post(body, query="", name=None, **headers):
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return call("POST", f"/v1/hunts/{name or HUNT}/events{query}", body, named)


def score(player, points=1, **more):
    return {"kind": "score", "player": player, "points": points, **more}


def world(rows):
    return f"type octile\nheight {len(rows)}\nwidth {len(rows[0])}\nmap\n" + "\n".join(rows) + "\n"


def make(name, rows=None, **more):
    file = {"hunt": name, "world": {"text": world(rows or ["." * 20] * 10)}, **more}
    made.add(name)
    return call("POST", "/v1/hunts", file)


def extra(suffix, **more):
    """A hunt for one check."""
    name = f"{HUNT}-{suffix}"
    expect(make(name, **more), 201)
    return name


def expect(answer, status, code=None, field=None):
    if answer.status != status:
        raise Failed(f"expected {status}, got {answer}")
    if code is not None:
        error = answer.json.get("error", {})
        same(error.get("code"), code, f"error.code of {answer}")
        if not error.get("message"):
            raise Failed(f"no error.message in {answer}")
        if field is not None:
            same(error.get("field"), field, f"error.field of {answer}")
    return answer


def same(got, wanted, what="value"):
    if got != wanted:
        raise Failed(f"{what}: expected {wanted!r}, got {got!r}")


def results(answer):
    return [outcome["result"] for outcome in answer.json["outcomes"]]


def books(name=None):
    return expect(hunt("/books", name), 200).json["books"]


def total(player, name=None):
    answer = hunt(f"/players/{player}", name)
    return answer.json["score"] if answer.status == 200 else None


def check(function):
    checks.append(function)
    return function


def known(function):
    """A check that does not hold yet, as the README says: run with --known only."""
    if "--known" in sys.argv:
        checks.append(function)
    return function


def raw(data, wait=2.0):
    with socket.create_connection((HOST, PORT), timeout=wait) as peer:
        peer.sendall(data)
        got = b""
        with contextlib.suppress(TimeoutError):
            while block := peer.recv(65_536):
                got += block
        return got


# Outside /v1


@check
def probes_answer():
    same(expect(get("/livez"), 200).body, b"alive\n")
    same(expect(get("/readyz"), 200).body, b"ready\n")


@check
def description_is_whole():
    document = expect(get("/openapi.json"), 200).json
    same(document["openapi"][:3], "3.1")
    parts = "boards/{board} players/{player} players/{player}/hint treasures path nearest reachable books live"
    parts += " players/{player}/why treasures/{treasure}/why unplay rollback forks forks/{fork}"
    for part in f"{parts} forks/{{fork}}/diff forks/{{fork}}/promote events start pause end".split():
        if f"/v1/hunts/{{hunt}}/{part}" not in document["paths"]:
            raise Failed(f"/v1/hunts/{{hunt}}/{part} is not described")


def misfit(value, schema, document, at="body"):
    """Where a value breaks a schema of the description; None where it fits."""
    if "$ref" in schema:
        part = document
        for key in schema["$ref"][2:].split("/"):
            part = part[key]
        return misfit(value, part, document, at)
    kinds = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if names and not any(
        number and (name == "number" or isinstance(value, int))
        if name in ("integer", "number")
        else isinstance(value, kinds[name])
        for name in names
    ):
        return f"{at}: {value!r} is no {names}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        return f"{at}: {value!r} is not {schema['const']!r}"
    if number and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return f"{at}: {value} is out of range"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return f"{at}: {value!r} is not {schema['pattern']}"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return f"{at}: {len(value)} items"
        parts = [(f"{at}[{place}]", item, schema.get("items", {})) for place, item in
                 enumerate(value)]
    elif isinstance(value, dict):
        known = schema.get("properties", {})
        if lost := [key for key in schema.get("required", []) if key not in value]:
            return f"{at}: no {lost}"
        # A part without a type narrows the whole, and names no more than it narrows.
        if known and "type" in schema and (strange := [key for key in value if key not in known]):
            return f"{at}: {strange} not described"
        parts = [(f"{at}.{key}", item, known.get(key, {})) for key, item in value.items()]
    else:
        parts = []
    for place, item, part in parts:
        if found := misfit(item, part, document, place):
            return found
    if "anyOf" in schema:
        found = [misfit(value, part, document, at) for part in schema["anyOf"]]
        return found[0] if all(found) else None
    return None


@functools.cache
def description():
    return expect(get("/openapi.json"), 200).json


def described(method, template, status, query="", body=None, headers=None, name=None, **values):
    """Asks a path of the description; the answer's status and body must be as described there."""
    document = description()
    path = template.format(**values)
    answer = call(method, f"/v1/hunts/{name or HUNT}{path}{query}", body, headers)
    same(answer.status, status, f"status of {method} {path}{query}: {answer}")
    operation = document["paths"]["/v1/hunts/{hunt}" + template][method.lower()]
    if str(status) not in operation["responses"]:
        raise Failed(f"{method} {template}: {status} is not described")
    response = operation["responses"][str(status)]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].split("/")[-1]]
    for header in response.get("headers", {}):
        if header not in answer.headers:
            raise Failed(f"{method} {path}: {status} without {header}")
    if "content" in response:
        schema = response["content"]["application/json"]["schema"]
        if found := misfit(answer.json, schema, document):
            raise Failed(f"{method} {path}: {found}")
        if status >= 400 and "error" in answer.json:
            code = answer.json["error"]["code"]
            if code not in response["description"] and code != "bad_parameter":
                raise Failed(f"{method} {template}: {status} {code} is not described")
    return answer


@check
def examples_fit_the_description():
    document = description()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts = dict(operation["responses"], body=operation.get("requestBody", {}))
            for status, part in parts.items():
                content = part.get("content", {}).get("application/json", {})
                if "example" in content:
                    found = misfit(content["example"], content["schema"], document)
                    if found:
                        raise Failed(f"{method} {path} {status}: {found}")


@check
def metrics_carry_the_books():
    text = expect(get("/metrics"), 200).body.decode()
    if f'veltrix_books_balanced{{hunt="{HUNT}"}} 1' not in text:
        raise Failed("no balanced books of the hunt in /metrics")
    kept = {}
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for at, line in enumerate(lines):
        kept.setdefault(line.split("{")[0].split(" ")[0], []).append(at)
    apart = [name for name, lines in kept.items() if lines[-1] - lines[0] >= len(lines)]
    if apart:
        raise Failed(f"lines of one metric must follow one another: {apart[:3]}")


@check
def acknowledgements_are_timed():
    post(score(1))
    for line in get("/metrics").body.decode().splitlines():
        if line.startswith("veltrix_batches_total ") and int(line.split()[1]) > 0:
            return
    raise Failed("veltrix_batches_total is 0 after a batch over HTTP")


@check
def foreign_names_and_pages_are_refused():
    for name in ("localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:7400"):
        expect(call("GET", "/livez", headers={"Host": name}), 200)
    for name in ("evil.example", "evil.example:7400", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"):
        expect(call("GET", "/v1/hunts", headers={"Host": name}), 403, "foreign_host", "Host")
    page = {"Origin": "http://evil.example"}
    expect(call("GET", "/v1/hunts", headers=page), 403, "foreign_origin", "Origin")


@check
def unknown_paths_are_404():
    for path in ("/x", "/v1", "/v2/hunts", "/v1/hunts/", "/v1//hunts", f"/v1/hunts/{HUNT}/x"):
        expect(get(path), 404, "unknown_path")


@check
def other_methods_are_405():
    for method, path, allowed in (
        ("PUT", "/v1/hunts", "GET, HEAD, POST"),
        ("OPTIONS", f"/v1/hunts/{HUNT}", "GET, HEAD, DELETE"),
        ("GET", f"/v1/hunts/{HUNT}/events", "POST"),
        ("GET", f"/v1/hunts/{HUNT}/start", "POST"),
        ("POST", "/livez", "GET, HEAD"),
    ):
        answer = expect(call(method, path), 405, "method_not_allowed")
        same(answer.headers["Allow"], allowed, f"Allow of {path}")


@check
def head_is_get_without_a_body():
    for path in ("/livez", f"/v1/hunts/{HUNT}", f"/v1/hunts/{HUNT}/books"):
        head, full = call("HEAD", path), get(path)
        same((head.status, head.body), (200, b""))
        same(head.headers["Content-Length"], str(len(full.body)), "Content-Length")


@check
def pipelined_requests_are_answered_in_order():
    request = "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    got = raw((request.format("livez") * 20 + request.format("nowhere")).encode())
    same(got.count(b"HTTP/1.1 200"), 20, "answers")
    same(got.count(b"HTTP/1.1 404"), 1, "last answer")


@check
def smuggling_is_refused():
    head = f"POST /v1/hunts/{HUNT}/events HTTP/1.1\r\nHost: x\r\n"
    same(
        raw(f"{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode())[
            9:12
        ],
        b"400",
    )
    same(raw(f"{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde".encode())[9:12], b"400")
    same(raw(b"GET /livez HTTP/1.1\r\n\r\n")[9:12], b"400", "no Host")


# Hunts


@check
def a_hunt_is_made_listed_shown_and_deleted():
    name = f"{HUNT}-life"
    answer = expect(make(name), 201)
    same(answer.headers["Location"], f"/v1/hunts/{name}", "Location")
    same(answer.json["hunt"]["name"], name)
    if name not in [row["name"] for row in expect(get("/v1/hunts"), 200).json["hunts"]]:
        raise Failed("the new hunt is not listed")
    expect(make(name), 409, "name_taken", "hunt")
    expect(call("DELETE", f"/v1/hunts/{name}"), 204)
    expect(hunt(name=name), 404, "unknown_hunt")
    expect(call("DELETE", f"/v1/hunts/{name}"), 404, "unknown_hunt")
    expect(make(name), 201)
    same(hunt(name=name).json["hunt"]["events"], 0, "events of a hunt made again")


@check
def yaml_makes_a_hunt():
    name = f"{HUNT}-yaml"
    made.add(name)
    text = f"hunt: {name}\nworld:\n  neighbours: 4\n  text: |\n"
    text += "".join(f"    {line}\n" for line in world(["....", ".@.."]).splitlines())
    answer = expect(call("POST", "/v1/hunts", text), 201)
    same(answer.json["hunt"]["world"]["neighbours"], 4)
    same(hunt("/world", name).body.decode(), world(["....", ".@.."]), "the map")


@check
def bad_hunts_are_422_with_findings():
    for body in (b"", b"[]", b"{", b"\xff\xfe", b"a: &x [1]\nb: *x", b"[" * 1_000, b'{"hunt":"x"}'):
        answer = expect(call("POST", "/v1/hunts", body), 422, "bad_hunt")
        if not answer.json["findings"]:
            raise Failed(f"no findings for {body[:20]!r}")
    answer = call("POST", "/v1/hunts", {"hunt": "x", "world": {"map": "/etc/hostname"}})
    expect(answer, 422, "bad_hunt", "world.map")
    for text in (
        "",
        world(["x"])[:20],
        "type octile\nheight 0\nwidth 0\nmap\n",
        "type octile\nheight 99999999999\nwidth 99999999999\nmap\n.\n",
        "type octile\nheight 2\nwidth 3\nmap\n...\n..\n",
    ):
        answer = call("POST", "/v1/hunts", {"hunt": f"{HUNT}-bad", "world": {"text": text}})
        expect(answer, 422, "bad_hunt")
        if "World." in answer.body.decode() or "expected(" in answer.body.decode():
            raise Failed(f"a message for people names types: {answer}")


@check
def hunts_of_every_shape_are_made():
    for at, rows in enumerate(
        (["."], ["@"], ["." * 2_000], ["."] * 2_000, [".@", "@."], ["GOTSW."])
    ):
        for neighbours in (4, 8):
            name = f"{HUNT}-shape{at}-{neighbours}"
            file = {"hunt": name, "world": {"text": world(rows), "neighbours": neighbours}}
            made.add(name)
            expect(call("POST", "/v1/hunts", file), 201)
            same(hunt("/world", name).body.decode(), world(rows), "the map")
            expect(call("DELETE", f"/v1/hunts/{name}"), 204)


@check
def deleting_and_making_at_once_keeps_the_new_hunt():
    name = f"{HUNT}-race"
    for _ in range(4):
        expect(make(name), 201)
        deleting = threading.Thread(target=call, args=("DELETE", f"/v1/hunts/{name}"))
        deleting.start()
        # Until the delete is through, the name is taken; a busy disk takes its time.
        end = time.monotonic() + 20
        while (answer := make(name)).status == 409 and time.monotonic() < end:
            pass
        deleting.join()
        expect(answer, 201)
        time.sleep(0.1)
        expect(post(score(1), name=name), 200)
        expect(call("DELETE", f"/v1/hunts/{name}"), 204)


@check
def events_for_a_hunt_being_deleted_are_404_or_taken():
    name, seen = extra("gone"), []
    sender = threading.Thread(
        target=lambda: [seen.append(post([score(1)] * 500, name=name)) for _ in range(20)]
    )
    sender.start()
    time.sleep(0.02)
    expect(call("DELETE", f"/v1/hunts/{name}"), 204)
    sender.join()
    odd = [str(answer) for answer in seen if answer.status not in (200, 404)]
    if odd:
        raise Failed(f"expected 200 or 404, got {odd[0]}")


@check
def phases_change_what_is_taken():
    name = extra("phases", start="manual")
    for verb, state, result in (
        (None, "draft", "not_live"),
        ("start", "live", "ok"),
        ("start", "live", "ok"),
        ("pause", "paused", "not_live"),
        ("start", "live", "ok"),
        ("end", "ended", "not_live"),
    ):
        if verb:
            answer = expect(call("POST", f"/v1/hunts/{name}/{verb}"), 200)
            same(answer.json["hunt"]["state"], state, f"state after {verb}")
        same(hunt(name=name).json["hunt"]["state"], state)
        same(results(expect(post(score(1), name=name), 200)), [result], f"result while {state}")


@check
def an_ended_hunt_stays_ended():
    name = extra("ended")
    expect(call("POST", f"/v1/hunts/{name}/end"), 200)
    for verb in ("start", "pause"):
        answer = call("POST", f"/v1/hunts/{name}/{verb}")
        if answer.status != 409 or hunt(name=name).json["hunt"]["state"] != "ended":
            raise Failed(f"{verb} after end: expected 409 and still ended, got {answer}")


# Events


@check
def one_event_an_array_and_lines():
    one = expect(post(score("forms")), 200)
    same(results(one), ["ok"])
    same(one.json["counts"], {"applied": 1, "duplicate": 0, "rejected": 0, "late": 0, "shed": 0})
    same(len(results(post([score("forms")] * 3))), 3)
    line = json.dumps(score("forms"))
    same(results(post(f"{line}\r\n{line}\r\n\r\n")), ["ok", "ok"], "lines ended by CRLF")
    same(total("forms"), 6)


@check
def answers_carry_offsets():
    answer = expect(post(score(1)), 200)
    same(answer.headers["Veltrix-Offset"], str(answer.json["offset"]), "Veltrix-Offset")
    if int(answer.headers["Veltrix-Durable"]) < answer.json["offset"]:
        raise Failed("durable events above Veltrix-Durable")
    for path in (
        "",
        "/books",
        "/treasures",
        "/boards/all-time",
        "/players/1",
        "/path?from=0,0&to=1,1",
    ):
        read = expect(hunt(path), 200)
        same(read.headers["Veltrix-Offset"], str(read.json["offset"]), f"Veltrix-Offset of {path}")
        if read.json["offset"] < answer.json["offset"]:
            raise Failed(f"{path} was taken before events that are acknowledged")


@check
def applied_is_provisional():
    answer = expect(post(score(1), "?ack=applied"), 200)
    same(answer.json["ack"], "applied")
    same(answer.json["outcomes"][0].get("provisional"), True, "provisional")
    same(expect(post(score(1)), 200).json["outcomes"][0].get("provisional"), None, "provisional")


@check
def good_events_of_a_bad_batch_are_kept():
    answer = expect(
        post([score("kept"), {"kind": "nope"}, 5, score("kept", 1.5), score("kept")]), 200
    )
    same(results(answer), ["ok", "unknown_kind", "wrong_type", "wrong_type", "ok"])
    same([row["position"] for row in answer.json["outcomes"]], [0, 1, 2, 3, 4])
    same(total("kept"), 2)


@check
def all_bad_is_400():
    expect(post([{"kind": "nope"}, {}]), 400, "rejected")
    expect(post("[]"), 400, "no_events")


@check
def every_bad_body_is_answered_and_counted():
    good = json.dumps(score("bad"))
    for body, wanted in (
        (b"", "malformed"),
        (b"nul", "malformed"),
        (b"null", "wrong_type"),
        (b"[" * 5_000, "malformed"),
        (good[:-1] + ",}", "malformed"),
        (good + good, "malformed"),
        ("\ufeff" + good, "malformed"),
        (good.replace("1", "NaN"), "malformed"),
        (good.replace("1", "01"), "malformed"),
        (good.replace("1", "1e3"), "wrong_type"),
        (good.replace("1", "9" * 400), "out_of_range"),
        (good.replace("bad", "\\ud800"), "malformed"),
        (good.encode().replace(b"bad", b"\xff"), "malformed"),
        (good.encode().replace(b"bad", b"\xc0\xaf"), "malformed"),
        (good.replace('"bad"', "null"), "wrong_type"),
        (good[:-1] + ',"kind":"move"}', "repeated_field"),
        (good[:-1] + ',"pl\\u0061yer":1}', "repeated_field"),
        (good[:-1] + ',"colour":1}', "unknown_field"),
        ('{"kind":"score","player":1}', "missing_field"),
        ('{"kind":"tick"}', "unsupported_kind"),
        ('{"kind":"control","value":3}', "unknown_kind"),
    ):
        before = books()["received"]
        same(results(expect(post(body), 400, "rejected")), [wanted], f"results of {body[:60]!r}")
        same(books()["received"] - before, 1, f"events received with {body[:60]!r}")


@check
def every_change_of_an_edge_that_contradicts_itself_is_told():
    for keys, wanted, field, word in (
        ({}, "missing_field", "value", '"multiplier"'),
        ({"change": "open"}, "missing_field", "value", '"direction", or "edge"'),
        ({"edge": 17}, "missing_field", "value", '"cost"'),
        ({"cost": 17}, "missing_field", "treasure", '"edge"'),
        ({"change": "add", "cost": 3}, "missing_field", "treasure", '"to" and "cost"'),
        ({"change": "add", "to": 3}, "missing_field", "value", '"to" and "cost"'),
        ({"change": "remove"}, "missing_field", "treasure", '"edge"'),
        ({"edge": 17, "cost": 1, "direction": 0}, "unknown_field", "value", '"direction"'),
        ({"direction": 0, "cost": 3}, "unknown_field", "value", '"cost"'),
        ({"direction": 0, "multiplier": 3, "width": 2}, "unknown_field", "value", '"width"'),
        ({"change": "close", "edge": 1, "cost": 3}, "unknown_field", "value", '"cost"'),
        ({"change": "remove", "edge": 1, "to": 2}, "unknown_field", "treasure", '"to"'),
        ({"change": "place", "edge": 1}, "unknown_field", "treasure", '"edge"'),
        ({"treasure": 17, "edge": 17, "cost": 1}, "repeated_field", "treasure", '"edge"'),
        ({"treasure": 1, "to": 1, "cost": 1, "change": "add"}, "repeated_field", "treasure", '"to"'),
        ({"value": 0, "change": "open"}, "repeated_field", "value", '"change"'),
        ({"change": "opne", "edge": 1}, "unknown_kind", "value", 'did you mean "open"'),
        ({"change": 1}, "wrong_type", "value", '"change"'),
        ({"change": "add", "to": 1, "cost": 0}, "out_of_range", "value", '"cost"'),
        ({"edge": 2**32, "cost": 1}, "out_of_range", "treasure", '"edge"'),
        ({"edge": 1, "cost": 2**31}, "out_of_range", "value", '"cost"'),
        ({"direction": 26, "multiplier": 1}, "out_of_range", "value", "0...25"),
        ({"direction": 8, "multiplier": 1, "block": True}, "out_of_range", "value", "0...7"),
        ({"change": "place", "height": 33}, "out_of_range", "value", "1...32"),
        ({"change": "break", "width": 32, "height": 17}, "out_of_range", "value", "512"),
        ({"value": 9 << 40}, "out_of_range", "value", '"value"'),
    ):
        answer = expect(post({"kind": "edge", **keys}), 400, "rejected")
        same(results(answer), [wanted], f"results of {keys}")
        outcome = answer.json["outcomes"][0]
        same(outcome["field"], field, f"field of {keys}")
        if word not in outcome["message"]:
            raise Failed(f"{keys}: no {word} in {outcome['message']}")
    for key in ("change", "edge", "to", "cost", "width", "height", "depth"):
        value = "open" if key == "change" else 1
        same(results(post({"kind": "move", "player": 1, key: value})), ["unknown_field"], key)


@check
def every_change_of_an_edge_is_described_and_taken():
    document = description()
    schema = document["components"]["schemas"]["Event"]["discriminator"]["mapping"]["edge"]
    for keys in (
        {"x": 2, "y": 4, "direction": 0, "multiplier": 3},
        {"x": 2, "y": 4, "multiplier": 0, "block": True},
        {"x": 2, "y": 4, "direction": 25, "change": "open"},
        {"x": 2, "y": 4, "direction": 0, "change": "close"},
        {"edge": 17, "cost": 250},
        {"edge": 17, "change": "close"},
        {"edge": 17, "change": "open"},
        {"edge": 17, "change": "remove"},
        {"x": 1, "y": 2, "to": 5123, "cost": 30, "change": "add"},
        {"x": 1, "y": 2, "z": 3, "change": "place"},
        {"x": 1, "y": 2, "z": 3, "width": 4, "height": 4, "depth": 2, "change": "break"},
        {"x": 1, "y": 2, "value": 4098},
    ):
        event = {"kind": "edge", **keys}
        if found := misfit(event, {"$ref": schema}, document):
            raise Failed(f"{event}: {found}")
        answer = expect(post(event), 200)
        same(answer.json["counts"]["rejected"], 0, f"rejected of {event}")


@check
def a_bad_line_costs_only_itself():
    line = json.dumps(score("lines"))
    same(results(post(f"{line}\n{{bad\n\n{line}\n")), ["ok", "malformed", "ok"])


@check
def a_body_too_large_is_413():
    expect(post(b" " * (17 << 20)), 413, "body_too_large")


@check
def events_beyond_the_most_are_said():
    before = books()
    answer = expect(post("\n".join([json.dumps(score("many"))] * 5_000)), 200)
    same(answer.json["counts"]["applied"], 4_096, "applied")
    same(answer.json["outcomes"][-1]["result"], "too_long")
    same(books()["received"] - before["received"], 4_097, "received")
    same(total("many"), 4_096)


@check
def a_full_body_of_named_players_is_taken():
    name = extra("names", limits={"names": 5_000, "players": 5_000})
    same(
        expect(post([score(f"n{at}") for at in range(4_096)], name=name), 200).json["counts"][
            "applied"
        ],
        4_096,
    )


@check
def atomic_takes_all_or_nothing():
    same(expect(post([score("whole")] * 2, "?atomic=true"), 200).json["counts"]["applied"], 2)
    answer = expect(post([score("whole"), {"kind": "nope"}], "?atomic=true"), 400, "batch_rejected")
    same(answer.json["counts"]["rejected"], 2, "rejected")
    same(total("whole"), 2)


@check
def atomic_says_what_became_of_each_event():
    answer = expect(post([score("whole"), {"kind": "nope"}], "?atomic=true"), 400, "batch_rejected")
    same(results(answer), ["batch_rejected", "unknown_kind"])


@check
def atomic_covers_what_the_hunt_rejects():
    expect(
        post([score("part"), score("part", hunt=4_000_000_000)], "?atomic=true"),
        400,
        "batch_rejected",
    )
    same(total("part"), None, "score of a player of a refused batch")


@check
def atomic_covers_what_finds_no_room():
    name = extra("room", limits={"names": 1})
    answer = post([score("a"), score("b")], "?atomic=true", name=name)
    if answer.status == 200 or total("a", name) is not None:
        raise Failed(f"half of an atomic batch was taken: {answer}")


@check
def an_idempotency_key_makes_retries_harmless():
    body = [score("retry", 5), {"kind": "nope"}, score("retry", 7)]
    first = expect(post(body, Idempotency_Key="one"), 200)
    same(results(first), ["ok", "unknown_kind", "ok"])
    again = expect(post(body, Idempotency_Key="one"), 200)
    same(results(again), ["duplicate", "unknown_kind", "duplicate"])
    same(
        [row.get("offset") for row in again.json["outcomes"]],
        [row.get("offset") for row in first.json["outcomes"]],
        "offsets of a retry",
    )
    same(total("retry"), 12)
    expect(post(body, Idempotency_Key="two"), 200)
    same(total("retry"), 24)


@check
def a_key_with_another_body_is_a_conflict():
    expect(post([score("conflict")], Idempotency_Key="three"), 200)
    answer = post([score("conflict", 2), score("conflict", 40)], Idempotency_Key="three")
    if total("conflict") != 1:
        raise Failed(f"another body under the same key was taken: {answer}")
    if answer.status == 200:
        raise Failed(f"expected idempotency_conflict, got {answer}")


@check
def idempotency_keys_have_a_length():
    expect(post(score(1), Idempotency_Key=""), 400, "bad_parameter", "Idempotency-Key")
    expect(post(score(1), Idempotency_Key="k" * 255), 200)
    expect(post(score(1), Idempotency_Key="k" * 256), 400, "bad_parameter", "Idempotency-Key")


@check
def sequences_are_taken_once():
    same(
        results(post([score("seq", producer=5, sequence=at) for at in (1, 2, 4, 2, 3, 4)])),
        ["ok", "ok", "ok", "duplicate", "ok", "duplicate"],
    )
    same(total("seq"), 4)


@check
def a_duplicate_tells_no_untruth():
    first = expect(post(score("dup", 9, producer=6, sequence=1)), 200).json["outcomes"][0]
    again = expect(post(score("dup", 9, producer=6, sequence=1)), 200).json["outcomes"][0]
    same(again["result"], "duplicate")
    same(again.get("offset", first["offset"]), first["offset"], "offset of a duplicate")
    same(again.get("total", 9), 9, "total of a duplicate")


@check
def a_sequence_without_producer_loses_no_event():
    name = extra("sequence")
    expect(post([score("numbered by the engine")] * 3, name=name), 200)
    answer = post(score("numbered", sequence=2), name=name)
    if answer.status == 200 and results(answer) == ["duplicate"]:
        raise Failed("a sequence that was never sent is called a duplicate, and the event is lost")


@check
def parameters_of_events_are_checked():
    for query, field in (("?ack=", "ack"), ("?ack=disk", "ack"), ("?atomic=1", "atomic")):
        expect(post(score(1), query), 400, "bad_parameter", field)


@check
def teleport_needs_operate():
    event = {"kind": "teleport", "player": "tele", "x": 9, "y": 9}
    same(results(post(event)), ["not_permitted"])
    answer = post(event, Veltrix_Rights="operate")
    if answer.status == 403:
        return expect(answer, 403, "not_permitted", "Veltrix-Rights")
    same(results(expect(answer, 200)), ["ok"])


@check
def claims_are_judged():
    name = extra(
        "claims",
        treasures=[{"id": 1, "x": 2, "y": 1, "points": 50, "stock": 1}],
        rules={"speed_max": "any", "walls": False},
    )
    near = [{"kind": "move", "player": at, "x": 2, "y": 2} for at in (1, 2)]
    claims = [{"kind": "claim", "player": at, "treasure": 1, "rank": True} for at in (1, 1, 2)]
    far = [
        {"kind": "move", "player": 3, "x": 9, "y": 9},
        {"kind": "claim", "player": 3, "treasure": 1},
    ]
    answer = expect(post(near + far + claims, name=name), 200)
    same(results(answer), ["ok", "ok", "ok", "too_far", "ok", "no_stock", "no_stock"])
    claim = answer.json["outcomes"][4]
    same((claim["points"], claim["total"], claim["rank"], claim["stock_left"]), (50, 50, 1, 0))
    row = hunt("/treasures", name).json["treasures"][0]
    same((row["state"], row["free"], row["claimed"], row["last_winner"]), ("exhausted", 0, 1, 1))


@check
def a_future_event_does_not_stop_a_window():
    name = extra("future", boards=[{"name": "hour", "window": "1h"}])
    expect(post(score("now"), name=name), 200)
    expect(post(score("future", time=1 << 53), name=name), 200)
    expect(post(score("now"), name=name), 200)
    rows = {row["player"]: row["score"] for row in hunt("/boards/hour", name).json["rows"]}
    same(rows.get("now"), 2, "score in the current window after an event of the far future")


# Players


@check
def names_of_any_letters_come_back():
    for name in (
        "Zoë",
        "名前",
        "😀" * 16,
        "a/b",
        "a b+c",
        "%41",
        "..",
        "\u0000",
        "a\nb",
        "<b>",
        "x" * 64,
        "é" * 32,
        "name:x",
        "007",
        "\u202egnp",
    ):
        expect(post(score(name, 3)), 200)
        quoted = urllib.parse.quote(name, safe="").replace(".", "%2E")
        if name.isdigit() or name.startswith("name:"):
            quoted = f"name:{quoted}"
        player = expect(hunt(f"/players/{quoted}"), 200).json
        same((player["player"], player["score"]), (name, 3))
        around = expect(hunt(f"/boards/all-time?limit=1&around={quoted}"), 200).json["rows"]
        same([row["player"] for row in around], [name])


@check
def names_have_a_length():
    for name, result in (("x" * 65, "too_long"), ("é" * 33, "too_long"), ("", "out_of_range")):
        same(results(expect(post(score(name)), 400)), [result], f"result of {name!r}")


@check
def a_number_never_means_a_name():
    name = extra("ghost")
    numbers = (1 << 63, (1 << 63) + 1, (1 << 63) + 2, (1 << 64) - 1)
    # Whether such a number is rejected or taken is the engine's to say; only the effect counts.
    for number in numbers:
        post(score(number, 1_000), name=name)
    expect(post(score("victim"), name=name), 200)
    for number in numbers:
        post(score(number, 1_000), name=name)
    same(total("victim", name), 1, "score of a name after events of numbers of 2^63 and up")


@check
def names_and_numbers_are_different_players():
    expect(post([score(4_242, 1), score("4242", 2)]), 200)
    same((total("4242"), total("name:4242")), (1, 2))


@check
def unknown_players_are_404():
    for player in ("nobody", "0", "99999999999999999999999", "name:", "%FF", "x" * 300):
        expect(hunt(f"/players/{player}"), 404, "unknown_player")
        expect(hunt(f"/players/{player}/hint"), 404, "unknown_player")


@check
def a_hint_leads_to_the_treasure():
    name = extra(
        "hint", treasures=[{"id": 7, "x": 5, "y": 1}], rules={"speed_max": "any", "walls": False}
    )
    expect(post(score("unplaced"), name=name), 200)
    expect(hunt("/players/unplaced/hint", name), 409, "not_placed")
    expect(post({"kind": "move", "player": 1, "x": 2, "y": 1}, name=name), 200)
    hint = expect(hunt("/players/1/hint", name), 200).json
    same((hint["treasure"], hint["blocks"], hint["distance"]), (7, "3.000", 3 * hint["unit"]))
    same(hint["next"], {"x": 3, "y": 1, "z": 0, "edge": hint["next"]["edge"]})


# Boards, treasures, paths, books


@check
def boards_are_paged_and_centred():
    name = extra("board", boards=[{"name": "all"}, {"name": "hour", "window": "1h"}])
    expect(post([score(at, 100 - at) for at in range(1, 31)], name=name), 200)

    def ranks(query):
        rows = expect(hunt(f"/boards/all?{query}", name), 200).json["rows"]
        return [(row["rank"], row["player"]) for row in rows]

    same(ranks(""), [(at, at) for at in range(1, 21)])
    same(ranks("limit=3&offset=28"), [(29, 29), (30, 30)])
    same(ranks("limit=5&around=10"), [(at, at) for at in range(8, 13)])
    same(ranks("offset=16777216"), [])
    window = expect(hunt("/boards/hour", name), 200).json
    same(
        (window["count"], window["window"]["to_ms"] - window["window"]["from_ms"]), (30, 3_599_999)
    )
    same(expect(hunt("/boards/hour?window=previous", name), 200).json["rows"], [])


@check
def parameters_of_boards_are_checked():
    for query, field in (
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("offset=-1", "offset"),
        ("offset=16777217", "offset"),
        ("window=next", "window"),
    ):
        expect(hunt(f"/boards/all-time?{query}"), 400, "bad_parameter", field)
    expect(hunt("/boards/nope"), 404, "unknown_board")
    expect(hunt("/boards/all-time?around=nobody"), 404, "unknown_player")


@check
def treasures_are_paged():
    name = extra("treasures", treasures={"generate": {"count": 25, "seed": 3}})
    seen, cursor = [], "0"
    while cursor is not None:
        page = expect(hunt(f"/treasures?limit=10&cursor={cursor}", name), 200).json
        seen += [row["id"] for row in page["treasures"]]
        cursor = page["next_cursor"]
    same(seen, list(range(1, 26)))
    same(len(hunt("/treasures?state=open", name).json["treasures"]), 25)
    same(hunt("/treasures?state=removed", name).json["treasures"], [])
    for query, field in (("limit=0", "limit"), ("cursor=x", "cursor"), ("state=lost", "state")):
        expect(hunt(f"/treasures?{query}"), 400, "bad_parameter", field)


@check
def paths_are_found():
    name = extra("path", rows=["....", "@@@.", "....", "@@@@", "...."])
    path = expect(hunt("/path?from=0,0&to=0,2", name), 200).json
    same((path["steps"][0], path["steps"][-1]), ([0, 0], [0, 2]))
    same((path["straight"], path["diagonal"], path["cost"]), (8, 0, 8 * path["unit"]))
    expect(hunt("/path?from=0,0&to=0,4", name), 404, "unreachable")
    expect(hunt("/path?from=0,0&to=9,9", name), 422, "outside_world", "to")
    expect(hunt("/path?from=0,0,5&to=0,2", name), 422, "outside_world", "from")
    expect(hunt("/path?to=0,2", name), 400, "bad_parameter", "from")
    expect(hunt("/path?from=0,0&to=a,b", name), 400, "bad_parameter", "to")


@check
def ways_lead_from_players_to_treasures():
    listed = [{"id": 3, "x": 3, "y": 0}, {"id": 5, "x": 0, "y": 2, "stock": 2},
              {"id": 4, "x": 3, "y": 0}, {"id": 6, "x": 1, "y": 4}]
    name = extra("on-foot", rows=["....", "@@@.", "....", "@@@@", "...."], treasures=listed,
                 rules={"speed_max": "any", "walls": False})
    expect(post({"kind": "join", "player": 7, "x": 0, "y": 2}, name=name), 200)
    ask = functools.partial(described, "GET", name=name)
    unit = hunt(name=name).json["hunt"]["world"]["unit"]
    path = ask("/path", 200, "?player=7&treasure=3").json
    same((path["steps"][0], path["steps"][-1], path["cost"]), ([0, 2], [3, 0], 5 * unit))
    same(path["edges"], [64, 72, 80, 94, 62])
    same(ask("/path", 200, "?from=3,0&treasure=5").json["cost"], 5 * unit)

    def near(query, path="/nearest"):
        answer = ask(path, 200, query).json
        same((answer["unit"], answer["complete"]), (unit, True))
        return [(each["id"], each["cost"] // unit) for each in answer["treasures"]]

    same(near("?player=7"), [(5, 0)])
    same(near("?from=0,2&k=3"), [(5, 0), (3, 5), (4, 5)])
    same(near("?from=0,2&k=100"), [(5, 0), (3, 5), (4, 5)])
    same(near(f"?from=0,2&cost={5 * unit - 1}", "/reachable"), [(5, 0)])
    same(near(f"?from=0,2&cost={5 * unit}&limit=2", "/reachable"), [(5, 0), (3, 5)])
    same(near("?from=0,4&cost=4294967294", "/reachable"), [(6, 1)])
    # What a player has claimed as often as one may is none of the player's treasures any more.
    expect(post({"kind": "claim", "player": 7, "treasure": 5}, name=name), 200)
    same(near("?player=7"), [(3, 5)])
    same(near("?from=0,2"), [(5, 0)])
    for path in ("/nearest", "/reachable", "/path"):
        more = {"/nearest": "", "/reachable": "&cost=5", "/path": "&to=0,0"}[path]
        same(ask(path, 404, f"?player=99{more}").json["error"]["code"], "unknown_player")
        same(ask(path, 422, f"?from=0,1{more}").json["error"]["code"], "blocked")
        for query in ("", "?from=1", "?from=0,0&player=7"):
            wrong = f"{query or '?'}{more}"
            same(ask(path, 400, wrong).json["error"]["code"], "bad_parameter", wrong)
    same(ask("/path", 404, "?from=0,0&treasure=44").json["error"]["code"], "unknown_treasure")
    for query in ("&treasure=0", "&treasure=x", "&treasure=3&to=0,0"):
        expect(hunt(f"/path?from=0,0{query}", name), 400, "bad_parameter", "treasure")
    expect(hunt("/nearest?from=0,0&k=0", name), 400, "bad_parameter", "k")
    expect(hunt("/reachable?from=0,0", name), 400, "bad_parameter", "cost")
    expect(hunt("/reachable?from=0,0&cost=4294967295", name), 400, "bad_parameter", "cost")


@check
def a_closed_block_is_on_no_path():
    name = extra("closed", rows=["@..", "..."])
    answer = hunt("/path?from=0,0&to=0,0", name)
    if answer.status == 200:
        raise Failed(f"a path from a blocked block: {answer}")


@check
def a_long_path_is_not_called_unreachable():
    name = extra("long", rows=["." * 400_000])
    answer = hunt("/path?from=0,0&to=399999,0", name)
    if answer.status == 404:
        raise Failed(f"there is a way: {answer}")


@check
def percent_escapes_are_decoded():
    escaped = "".join(f"%{byte:02x}" for byte in HUNT.encode())
    same(expect(get(f"/v1/hunts/{escaped}"), 200).json["hunt"]["name"], HUNT)
    expect(get(f"/v1/hunts/{HUNT}%2Fbooks"), 404, "unknown_hunt")


@check
def unknown_hunts_are_404():
    for path in (
        "",
        "/books",
        "/treasures",
        "/boards/x",
        "/players/1",
        "/path?from=0,0&to=0,0",
        "/nearest?from=0,0",
        "/reachable?from=0,0&cost=1",
        "/live",
    ):
        expect(hunt(path, "no-such-hunt"), 404, "unknown_hunt")
    expect(post(score(1), name="no-such-hunt"), 404, "unknown_hunt")


def wait_behind_a_batch(name):
    """Seconds that an event of another hunt waits behind 200 spawns and despawns in `name`."""
    events = [
        {"kind": "spawn" if at % 2 == 0 else "despawn", "treasure": 1, "x": 300, "y": 300}
        for at in range(200)
    ]
    rights = {"Veltrix_Rights": "operate"}
    sender = threading.Thread(target=post, args=(events,), kwargs={"name": name, **rights})
    sender.start()
    time.sleep(0.05)
    start = time.monotonic()
    expect(post(score(1)), 200)
    waited = time.monotonic() - start
    sender.join()
    return waited


def settled(player, name):
    """The hint of a player once nothing around the player is left to repair."""
    for _ in range(500):
        hint = expect(hunt(f"/players/{player}/hint", name), 200).json
        if "settling" not in hint:
            return hint
        same(hint["treasure"], None, "a hint that is settling")
        time.sleep(0.01)
    raise Failed(f"hints around {player} never settle")


@check
def a_hint_radius_bounds_the_work_of_a_batch():
    name = extra("field", rows=["." * 600] * 600, rules={"hint_radius": 64})
    expect(post({"kind": "spawn", "treasure": 7, "x": 300, "y": 300}, name=name,
                Veltrix_Rights="operate"), 200)
    expect(post({"kind": "join", "player": "near", "x": 236, "y": 300}, name=name), 200)
    expect(post({"kind": "join", "player": "far", "x": 235, "y": 300}, name=name), 200)
    same(settled("near", name)["treasure"], 7)
    same(settled("far", name)["treasure"], None)
    if (waited := wait_behind_a_batch(name)) > 1.0:
        raise Failed(f"an event of another hunt waited {waited:.1f} s")


@check
def one_batch_does_not_hold_the_engine():
    name = extra("whole-field", rows=["." * 600] * 600)
    expect(post({"kind": "spawn", "treasure": 9, "x": 5, "y": 5}, name=name,
                Veltrix_Rights="operate"), 200)
    expect(post({"kind": "join", "player": "there", "x": 300, "y": 300}, name=name), 200)
    if (waited := wait_behind_a_batch(name)) > 1.0:
        raise Failed(f"an event of another hunt waited {waited:.1f} s")
    hint = settled("there", name)
    same((hint["treasure"], hint["distance"]), (9, 295 * 19_601))


@check
def full_tables_are_not_called_busy():
    name = extra("full", limits={"names": 1})
    expect(post(score("a"), name=name), 200)
    answer = post(score("b"), name=name)
    same(results(answer), ["limit_reached"])
    if answer.status == 429 or answer.headers["Retry-After"]:
        raise Failed(f"sending again never helps, and is asked for: {answer}")


@check
def the_books_balance():
    row = books()
    same(
        row["received"],
        sum(row[key] for key in ("applied", "duplicate", "rejected", "late", "shed")),
    )
    same(row["balanced"], True)
    parts = hunt("/books").json["producers"]
    for key in ("received", "applied", "duplicate", "rejected", "late", "shed"):
        same(sum(part[key] for part in parts), row[key], f"sum of producers' {key}")


# Other lines of history


def treasure(number, **more):
    return {"id": number, "x": number, "y": 1, "points": 50, **more}


@check
def forks_are_as_described():
    name = extra(
        "forks", treasures=[treasure(1), treasure(2, stock=9)], boards=[{"name": "all"}],
        rules={"claims_per_player": 1, "speed_max": "any"})
    ask = functools.partial(described, name=name)
    for player in (7, "Zoë", 8):
        for number in (1, 2):
            post([{"kind": "move", "player": player, "x": number, "y": 1},
                  {"kind": "claim", "player": player, "treasure": number}], name=name)
    place = hunt(name=name).json["offset"]
    made = ask("POST", "/unplay", 201, "?wait=true", {"players": [7]}).json["fork"]
    same(ask("POST", "/forks", 202, body=b"").json["fork"]["kind"], "fork")
    ask("POST", "/forks", 201, "?wait=true", {
        "at": place, "omit": {"kinds": ["move"], "from": "3", "to": "head"},
        "append": [{"kind": "edge", "x": 0, "y": 0, "direction": 0, "multiplier": 4}],
        "rules": {"claims_per_player": 2}, "rules_from": "2026-11-21T10:30:00Z"})
    for fork in (made["id"], 3):
        ask("GET", "/forks/{fork}", 200, "?wait=true", fork=fork)
        ask("GET", "/forks/{fork}/diff", 200, fork=fork)
        ask("GET", "/forks/{fork}/diff", 200, "?against=2&parts=prizes,edges&limit=1", fork=fork)
    ask("GET", "/forks", 200)
    for view in (f"fork={made['id']}", f"as_of={place}", "as_of=1700000000000ms", "fork=main"):
        for template, status in (
            ("", 200), ("/boards/{board}", 200), ("/treasures", 200), ("/books", 200),
            ("/players/{player}", 200 if "1700" not in view else 404),
            ("/players/{player}/hint", 200 if "1700" not in view else 404),
        ):
            ask("GET", template, status, f"?{view}", board="all", player="Zo%C3%AB")
        ask("GET", "/path", 200, f"?from=0,0&to=3,3&{view}")
        ask("GET", "/nearest", 200, f"?from=0,0&k=2&{view}")
        ask("GET", "/reachable", 200, f"?from=0,0&cost=90000&{view}")
    ask("GET", "/players/{player}/why", 200, "?board=all", player=7)
    ask("GET", "/treasures/{treasure}/why", 200, "?limit=1", treasure=2)

    # What is refused.
    for method, template, status, query, body, values in (
        ("GET", "/boards/{board}", 400, "?fork=1&as_of=1", None, {}),
        ("GET", "/boards/{board}", 400, "?as_of=noon", None, {}),
        ("GET", "/boards/{board}", 404, "?fork=99", None, {}),
        ("GET", "/boards/{board}", 422, "?as_of=99999999", None, {}),
        ("POST", "/forks", 422, "", {"omitt": {}}, {}),
        ("POST", "/forks", 422, "", {"append": [{"kind": "leave"}]}, {}),
        ("POST", "/forks", 422, "?wait=true", {"at": 99999999}, {}),
        ("POST", "/forks", 400, "?wait=maybe", {}, {}),
        ("POST", "/unplay", 422, "", {}, {}),
        ("POST", "/unplay", 422, "?wait=true", {"players": ["nobody"]}, {}),
        ("POST", "/rollback", 422, "", {}, {}),
        ("GET", "/forks/{fork}", 404, "", None, {"fork": 99}),
        ("DELETE", "/forks/{fork}", 404, "", None, {"fork": 99}),
        ("GET", "/forks/{fork}/diff", 404, "", None, {"fork": 99}),
        ("GET", "/forks/{fork}/diff", 400, "?parts=all", None, {"fork": 3}),
        ("GET", "/forks/{fork}/diff", 409, "", None, {"fork": 4}),
        ("POST", "/forks/{fork}/promote", 409, "", None, {"fork": 4}),
        ("POST", "/forks/{fork}/promote", 428, "", None, {"fork": 3}),
        ("GET", "/players/{player}/why", 404, "", None, {"player": "nobody"}),
        ("GET", "/players/{player}/why", 404, "?board=none", None, {"player": 7}),
        ("GET", "/treasures/{treasure}/why", 404, "", None, {"treasure": 99}),
    ):
        ask(method, template, status, query, body, board="all", **values)
    ask("DELETE", "/forks/{fork}", 204, fork=2)
    answer = ask("POST", "/forks", 422, body={"append": [{"kind": "score", "player": 1}]})
    same(answer.json["error"]["field"], "append[0].value")
    if "(" in answer.json["error"]["message"]:
        raise Failed(f"a message for people names types: {answer}")

    # And what becomes the hunt.
    for tag, status in (("0" * 32, 412), (made["digest"], 200), (made["digest"], 409)):
        ask("POST", "/forks/{fork}/promote", status, headers={"If-Match": f'"{tag}"'},
            fork=made["id"])
    fork = ask("GET", "/forks/{fork}", 200, fork=3).json["fork"]
    ask("POST", "/forks/{fork}/promote", 412, headers={"If-Match": fork["digest"]}, fork=3)
    ask("POST", "/rollback", 201, body={"to": place, "promote": True})
    ask("GET", "/forks", 200)
    same(total(7, name), None, "the score of who was taken out")
    same(books(name)["balanced"], True)


# Live


class Socket:
    """A WebSocket, as much of one as the checks need."""

    def __init__(self):
        self.peer = socket.create_connection((HOST, PORT), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.peer.sendall(
            f"GET /v1/live HTTP/1.1\r\nHost: {HOST}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self.file = self.peer.makefile("rb")
        same(self.file.readline()[9:12], b"101", "status of the handshake")
        while self.file.readline().strip():
            pass

    def send(self, text):
        mask, data = os.urandom(4), text.encode()
        head = (
            bytes([0x81, 0x80 | len(data)])
            if len(data) < 126
            else b"\x81\xfe" + struct.pack(">H", len(data))
        )
        self.peer.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))

    def receive(self):
        while True:
            first, second = self.file.read(2)
            size = second & 127
            if size == 126:
                size = struct.unpack(">H", self.file.read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.file.read(8))[0]
            data = self.file.read(size)
            if first & 15 == 1:
                return json.loads(data)
            if first & 15 == 8:
                raise Failed(f"the WebSocket was closed: {data!r}")

    def subscribe(self, name):
        self.send(json.dumps({"subscribe": {"hunt": name}}))
        return self.receive()

    def close(self):
        self.file.close()
        self.peer.close()


class View:
    """What a viewer shows: a snapshot with deltas applied."""

    def __init__(self, snapshot):
        same(snapshot["type"], "snapshot")
        self.sequence = snapshot["seq"]
        self.players = {str(row[0]): row[1:] for row in snapshot["players"]}
        self.treasures = {row[0]: row for row in snapshot["treasures"]}
        self.board, self.stats = snapshot["board"], snapshot["stats"]

    def apply(self, delta):
        same(delta["type"], "delta", f"type of {delta}"[:80])
        same(delta["seq"], self.sequence + 1, "seq")
        self.sequence = delta["seq"]
        self.players.update((str(row[0]), row[1:]) for row in delta["moves"])
        for player in delta["left"]:
            self.players.pop(str(player), None)
        self.treasures.update((row[0], row) for row in delta["treasures"])
        for treasure in delta["removed"]:
            self.treasures.pop(treasure, None)
        self.board, self.stats = delta["board"], delta["stats"]


def live_hunt(suffix):
    return extra(
        suffix,
        treasures=[{"id": at, "x": at, "y": 1, "stock": 2} for at in range(1, 6)],
        rules={"speed_max": "any", "walls": False},
    )


def moves(players, x, y):
    return [{"kind": "move", "player": player, "x": x, "y": y} for player in players]


def settle(viewer, view, seconds=1.2):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        view.apply(viewer.receive())


@check
def a_path_that_is_a_socket_says_so():
    expect(get("/v1/live"), 426, "upgrade_required")


@check
def bad_subscriptions_are_told():
    viewer = Socket()
    for text, code in (
        ("x", "bad_message"),
        ("{}", "bad_message"),
        ('{"subscribe":5}', "bad_message"),
        ('{"subscribe":{"hunt":"no-such-hunt"}}', "unknown_hunt"),
    ):
        viewer.send(text)
        answer = viewer.receive()
        same((answer["type"], answer.get("code")), ("error", code), f"answer to {text}")
    viewer.close()


def deltas_equal_a_new_snapshot(suffix, events):
    name = live_hunt(suffix)
    viewer = Socket()
    view = View(viewer.subscribe(name))
    for batch in events:
        expect(post(batch, name=name), 200)
        view.apply(viewer.receive())
    settle(viewer, view)
    fresh = Socket()
    new = View(fresh.subscribe(name))
    fresh.close()
    viewer.close()
    same(view.players, new.players, "players after the deltas")
    same(view.treasures, new.treasures, "treasures after the deltas")
    same(view.board, new.board, "board after the deltas")
    stats = {name: value for name, value in view.stats.items() if name in new.stats}
    same(stats, new.stats, "stats after the deltas")


@check
def deltas_of_moves_and_claims_equal_a_snapshot():
    claims = [{"kind": "claim", "player": player, "treasure": 2} for player in (1, "Zoë", 3)]
    deltas_equal_a_new_snapshot(
        "deltas",
        (
            moves([1, 2, 3, "Zoë"], 2, 2),
            claims,
            moves([1], 5, 5),
            [{"kind": "leave", "player": 2}],
            [{"kind": "spawn", "treasure": 9, "x": 4, "y": 4, "points": 7}],
        ),
    )


@check
def deltas_of_removed_treasures_equal_a_snapshot():
    deltas_equal_a_new_snapshot("removed", ([{"kind": "despawn", "treasure": 3}],))


@check
def a_new_viewer_sees_nothing_old():
    name = live_hunt("stale")
    for at in range(4):
        viewer = Socket()
        viewer.subscribe(name)
        viewer.receive()
        expect(post(moves(range(1, 6), 1, at), name=name), 200)
        viewer.close()  # before the next delta: what it would have shown is left over
        time.sleep(0.3)
        expect(post(moves(range(1, 6), 15, at), name=name), 200)
        viewer = Socket()
        view = View(viewer.subscribe(name))
        settle(viewer, view, 0.6)
        viewer.close()
        same(
            view.players, {str(player): [15, at] for player in range(1, 6)}, "places after a delta"
        )


@check
def server_sent_events_carry_the_same():
    name = live_hunt("sse")
    connection = http.client.HTTPConnection(HOST, PORT, timeout=10)
    connection.request("GET", f"/v1/hunts/{name}/live")
    response = connection.getresponse()
    same((response.status, response.headers["Content-Type"]), (200, "text/event-stream"))

    def event():
        fields = {}
        while (line := response.readline().decode().rstrip("\n")) or not fields:
            key, _, value = line.partition(": ")
            if key:
                fields[key] = value
        return fields["event"], int(fields["id"]), json.loads(fields["data"])

    word, number, snapshot = event()
    same((word, number), ("snapshot", snapshot["seq"]))
    view = View(snapshot)
    expect(post(moves([1], 3, 3), name=name), 200)
    for _ in range(5):
        word, number, delta = event()
        view.apply(delta)
        same((word, number), ("delta", view.sequence))
    same(view.players, {"1": [3, 3]})
    expect(call("DELETE", f"/v1/hunts/{name}"), 204)
    word, last = "", None
    with contextlib.suppress(TimeoutError, KeyError):
        connection.sock and connection.sock.settimeout(3)
        while word != "error":
            word, _, last = event()
    same((last or {}).get("code"), "hunt_deleted", "last event of a deleted hunt's stream")
    ended = False
    with contextlib.suppress(TimeoutError):
        ended = response.readline() == b""
    connection.close()
    if not ended:
        raise Failed("the stream of a deleted hunt stays open, and empty")


def limits_at_their_most_are_made_or_refused():
    limits = {"players": 16_777_215, "treasures": 1_000_000, "claims": 67_108_864}
    limits |= {"producers": 1_000_000, "gaps": 16_777_216, "names": 16_777_216}
    limits |= {"idempotency_keys": 16_777_216}
    name = f"{HUNT}-most"
    answer = make(name, limits=limits)
    if answer.status == 201:
        return expect(call("DELETE", f"/v1/hunts/{name}"), 204)
    expect(answer, 422, "too_large", "limits")


def main():
    if "--limits" in sys.argv:
        checks.append(limits_at_their_most_are_made_or_refused)
    try:
        expect(make(HUNT, rules={"speed_max": "any", "walls": False}), 201)
    except OSError as error:
        print(f"check-api: {HOST}:{PORT}: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"check-api: cannot make a hunt: {error}", file=sys.stderr)
        return 1
    try:
        for function in checks:
            name = function.__name__.replace("_", " ")
            try:
                function()
            except Failed as error:
                failures.append(f"{name}\n      {error}")
            except (
                OSError,
                http.client.HTTPException,
                ValueError,
                KeyError,
                IndexError,
                TypeError,
            ) as error:
                failures.append(f"{name}\n      {type(error).__name__}: {error}")
    finally:
        for name in made:
            with contextlib.suppress(OSError, http.client.HTTPException):
                call("DELETE", f"/v1/hunts/{name}")
    for failure in failures:
        print(f"FAIL  {failure}")
    print(f"{len(checks) - len(failures)} of {len(checks)} checks hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
