"""Writes docs/protocol-vectors.json from the tables of docs/protocol.md.

Independent of both implementations on purpose: it packs bytes with its own struct formats and its own
bitwise CRC-32C, and every expected code, field and position is written here by hand. Run it only when
the protocol gains something; an entry that exists never changes.

    python3 clients/python/tests/make_vectors.py > docs/protocol-vectors.json
"""
import json
import struct
import sys

EVENT = ("version", "kind", "flags", "hunt", "producer", "sequence", "player", "time", "x", "y", "z",
         "treasure", "value")
OUTCOME = ("version", "kind", "result", "disposition", "flags", "direction", "field", "offset",
           "sequence", "player", "total", "points", "rank", "treasure", "distance", "stock_left",
           "position")
KINDS = dict(join=1, leave=2, move=3, teleport=4, claim=5, reserve=6, scan=10, spawn=12, despawn=13,
             edge=14, score=15, name=32)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def event(**fields):
    values = dict.fromkeys(EVENT, 0) | {"version": 1} | fields
    values["kind"] = KINDS.get(values["kind"], values["kind"])
    return values, struct.pack("<BBHIQQQqiiiIq", *(values[name] for name in EVENT))


def outcome(**fields):
    values = dict.fromkeys(OUTCOME, 0) | {"version": 1, "direction": 255, "distance": 2**32 - 1} | fields
    values["kind"] = KINDS.get(values["kind"], values["kind"])
    return values, struct.pack("<BBHBBBBQQQqiIIIII", *(values[name] for name in OUTCOME))


def frame(kind, payload, count, batch=1, magic=b"VTX1", version=1, flags=0, length=None, crc=None,
          header_crc=None):
    head = magic + struct.pack(
        "<BBHQIII", version, kind, flags, batch, count, len(payload) if length is None else length,
        crc32c(payload) if crc is None else crc)
    return head + struct.pack("<I", crc32c(head) if header_crc is None else header_crc) + payload


# --- Events in 64 bytes, and the JSON that means the same -------------------------------------------

def events():
    cases = [
        ("join", dict(kind="join", player=1), '{"kind":"join","player":1}'),
        ("move with everything",
         dict(kind="move", flags=3, hunt=9, producer=77, sequence=2**56, player=2**63 - 1,
              time=2**53, x=-2**31, y=2**31 - 1, z=-1, treasure=2**32 - 1, value=-2**63),
         '{"kind":"move","rank":true,"hint":true,"hunt":9,"producer":77,"sequence":72057594037927936,'
         '"player":9223372036854775807,"time":9007199254740992,"x":-2147483648,"y":2147483647,"z":-1,'
         '"treasure":4294967295,"value":-9223372036854775808}'),
        ("move by a name's number", dict(kind="move", player=2**63 + 5, x=3),
         '{"kind":"move","player":9223372036854775813,"x":3}'),
        ("leave", dict(kind="leave", player=12, sequence=3), '{"kind":"leave","sequence":3,"player":12}'),
        ("teleport", dict(kind="teleport", player=12, x=1, y=2),
         '{"kind":"teleport","player":12,"x":1,"y":2}'),
        ("claim", dict(kind="claim", player=7, treasure=41, time=1700000000000),
         '{"kind":"claim","player":7,"time":1700000000000,"treasure":41}'),
        ("spawn of three", dict(kind="spawn", treasure=5, x=10, y=20, value=50 | 3 << 31),
         '{"kind":"spawn","x":10,"y":20,"treasure":5,"points":50,"stock":3}'),
        ("spawn of one, unsaid", dict(kind="spawn", treasure=5, value=50),
         '{"kind":"spawn","treasure":5,"points":50}'),
        ("largest spawn", dict(kind="spawn", treasure=1, value=2**51 - 1),
         '{"kind":"spawn","treasure":1,"points":2147483647,"stock":1048575}'),
        ("despawn", dict(kind="despawn", treasure=5), '{"kind":"despawn","treasure":5}'),
        ("edge closed to the north", dict(kind="edge", x=4, y=4, value=6 << 8),
         '{"kind":"edge","x":4,"y":4,"multiplier":0,"direction":6}'),
        ("block opened at double cost", dict(kind="edge", value=2 | 1 << 12),
         '{"kind":"edge","multiplier":2,"direction":0,"block":true}'),
        ("step up to the east", dict(kind="edge", x=-1, y=2, z=3, value=1 << 40 | 9 << 32 | 3),
         '{"kind":"edge","x":-1,"y":2,"z":3,"multiplier":3,"direction":9}'),
        ("last direction closed", dict(kind="edge", value=1 << 40 | 25 << 32),
         '{"kind":"edge","multiplier":0,"direction":25}'),
        ("step in the plane, in the longer form", dict(kind="edge", x=1, treasure=5,
                                                       value=1 << 40 | 7 << 32 | 255),
         '{"kind":"edge","x":1,"treasure":5,"value":1129576399103}'),
        ("step opened", dict(kind="edge", x=20, y=4, value=2 << 40),
         '{"kind":"edge","x":20,"y":4,"direction":0,"change":"open"}'),
        ("last direction opened", dict(kind="edge", value=2 << 40 | 25 << 32),
         '{"kind":"edge","direction":25,"change":"open"}'),
        ("edge by its id", dict(kind="edge", treasure=17, value=3 << 40 | 250),
         '{"kind":"edge","edge":17,"cost":250}'),
        ("edge 0 at the highest cost", dict(kind="edge", value=3 << 40 | 2**31 - 1),
         '{"kind":"edge","edge":0,"cost":2147483647}'),
        ("edge closed by its id", dict(kind="edge", treasure=2**32 - 1, value=3 << 40),
         '{"kind":"edge","edge":4294967295,"cost":0}'),
        ("edge opened by its id", dict(kind="edge", treasure=17, value=4 << 40),
         '{"kind":"edge","edge":17,"change":"open"}'),
        ("edge added", dict(kind="edge", x=1, y=2, treasure=5123, value=5 << 40 | 30),
         '{"kind":"edge","x":1,"y":2,"to":5123,"cost":30,"change":"add"}'),
        ("edge added to node 0 at the highest cost", dict(kind="edge", value=5 << 40 | 2**31 - 1),
         '{"kind":"edge","to":0,"cost":2147483647,"change":"add"}'),
        ("edge removed", dict(kind="edge", treasure=17, value=6 << 40),
         '{"kind":"edge","edge":17,"change":"remove"}'),
        ("block placed", dict(kind="edge", x=1, y=2, z=3, value=1 << 12),
         '{"kind":"edge","x":1,"y":2,"z":3,"multiplier":0,"direction":0,"block":true}'),
        ("block placed, in the longer form", dict(kind="edge", x=1, y=2, z=3, value=7 << 40),
         '{"kind":"edge","x":1,"y":2,"z":3,"value":7696581394432}'),
        ("row of blocks placed", dict(kind="edge", treasure=5, value=7 << 40 | 31 << 44),
         '{"kind":"edge","treasure":5,"width":32,"height":1,"depth":1,"change":"place"}'),
        ("box of blocks broken",
         dict(kind="edge", x=1, y=2, z=3, value=8 << 40 | 3 << 44 | 3 << 49 | 1 << 54),
         '{"kind":"edge","x":1,"y":2,"z":3,"width":4,"height":4,"depth":2,"change":"break"}'),
        ("largest box broken", dict(kind="edge", value=8 << 40 | 7 << 44 | 1 << 49 | 31 << 54),
         '{"kind":"edge","width":8,"height":2,"depth":32,"change":"break"}'),
        ("score lost", dict(kind="score", player=7, value=-1000000000),
         '{"kind":"score","player":7,"points":-1000000000}'),
    ]
    out = []
    for name, fields, text in cases:
        values, raw = event(**fields)
        json.loads(text)
        out.append(dict(name=name, hex=raw.hex(), fields=values, json=text))
    return out


def invalid_events():
    good = dict(kind="move", player=1)
    cases = [
        ("version", good | dict(version=2), 101, "version", 0),
        ("kind 0", good | dict(kind=0), 102, "kind", 1),
        ("kind 255", good | dict(kind=255), 102, "kind", 1),
        ("kind of the engine", good | dict(kind=32), 102, "kind", 1),
        ("kind of a later version", good | dict(kind="reserve"), 103, "kind", 1),
        ("engine's flag", good | dict(flags=1 << 14), 104, "flags", 2),
        ("unknown flag", good | dict(flags=4), 104, "flags", 2),
        ("sequence", good | dict(sequence=2**56 + 1), 107, "sequence", 16),
        ("time before 1970", good | dict(time=-1), 107, "time", 32),
        ("time too late", good | dict(time=2**53 + 1), 107, "time", 32),
        ("no player", good | dict(player=0), 106, "player", 24),
        ("claim without player", dict(kind="claim", treasure=1), 106, "player", 24),
        ("claim without treasure", dict(kind="claim", player=1), 106, "treasure", 52),
        ("spawn without treasure", dict(kind="spawn"), 106, "treasure", 52),
        ("spawn above its bits", dict(kind="spawn", treasure=1, value=2**51), 107, "value", 56),
        ("spawn below 0", dict(kind="spawn", treasure=1, value=-1), 107, "value", 56),
        ("despawn without treasure", dict(kind="despawn"), 106, "treasure", 52),
        ("edge direction 8", dict(kind="edge", value=8 << 8), 107, "value", 56),
        ("edge above its bits", dict(kind="edge", value=1 << 13), 107, "value", 56),
        *((f"edge: {what}", dict(kind="edge", value=value), 107, "value", 56) for what, value in [
            ("form 9", 9 << 40), ("form 15", 15 << 40), ("below 0", -1), ("sign alone", -2**63),
            ("bit 59", 1 << 59), ("bit 62 of a form", 3 << 40 | 1 << 62),
            ("step in direction 26", 1 << 40 | 26 << 32), ("step's bit 8", 1 << 40 | 1 << 8),
            ("step's bit 37", 1 << 40 | 1 << 37), ("step with a box", 1 << 40 | 1 << 44),
            ("opened in direction 31", 2 << 40 | 31 << 32), ("opened with a multiplier", 2 << 40 | 1),
            ("cost of 2^31", 3 << 40 | 1 << 31), ("cost with a direction", 3 << 40 | 1 << 32),
            ("opened by id with a cost", 4 << 40 | 1), ("added at no cost", 5 << 40),
            ("added at a cost of 2^31", 5 << 40 | 1 << 31), ("removed with a cost", 6 << 40 | 1),
            ("placed with a cost", 7 << 40 | 1), ("box of 513", 7 << 40 | 18 << 44 | 26 << 49),
            ("box of 1,024", 8 << 40 | 31 << 44 | 31 << 49),
            ("largest sides", 8 << 40 | 0x7FFF << 44)]),
        ("score too high", dict(kind="score", player=1, value=10**9 + 1), 107, "value", 56),
        ("first of two faults", good | dict(version=0, kind=0, player=0), 101, "version", 0),
    ]
    out = []
    for name, fields, code, field, position in cases:
        values, raw = event(**fields)
        out.append(dict(name=name, hex=raw.hex(), code=code, field=field, position=position))
    return out


# --- JSON bodies ------------------------------------------------------------------------------------

def ok(name=None, **fields):
    _, raw = event(**fields)
    return dict(hex=raw.hex()) if name is None else dict(hex=raw.hex(), player_name=name)


def bad(code, field, position):
    return dict(code=code, field=field, position=position)


def bodies():
    move = '{"kind":"move","player":1}'
    moved = ok(kind="move", player=1)
    cases = []

    def case(name, body, *items, form="detect"):
        raw = body if isinstance(body, bytes) else body.encode()
        cases.append(dict(name=name, form=form, hex=raw.hex(), items=list(items)))

    def fault(name, body, code, field, at):
        """`at` is the text at whose first byte the fault is reported, or a number."""
        case(name, body, bad(code, field, at if isinstance(at, int) else body.index(at)))

    # forms
    case("object", move, moved)
    case("object over lines", '{\n  "kind": "move",\n  "player": 1\n}\n', moved)
    case("array", f"[{move},{move}]", moved, moved)
    case("empty array", " [ ] ")
    case("empty body", "", bad(110, "none", 0))
    case("no lines", "\n \r\n", form="lines")
    case("lines", f"{move}\n\n{move}\r\n  {move}", moved, moved, moved)
    case("array where lines were said", f"[{move}]", bad(109, "none", 0), form="lines")
    case("lines where an object was said", f"{move}\n{move}", bad(110, "none", 27), form="object")
    case("object where an array was said", move, bad(110, "none", 0), form="array")
    case("bad element is passed over", f'[{move},{{"kind":"move","a":[{{"b":"]}}"}}]}},{move}]',
         moved, bad(108, "none", 43), moved)
    case("first fault of content counts", '[{"a":1,"kind":7,"a":2}]', bad(108, "none", 2))
    case("element that is no object", f"[17,{move},null]", bad(109, "none", 1), moved,
         bad(109, "none", 31))
    case("fault of syntax ends an array", f'[{move},{{"kind":}},{move}]', moved, bad(110, "none", 36))
    case("missing comma", f"[{move} {move}]", moved, bad(110, "none", 28))
    case("comma before the end", f"[{move},]", moved, bad(110, "none", 28))
    case("array without end", f"[{move}", moved, bad(110, "none", 27))
    case("text after an array", f"[{move}] x", moved, bad(110, "none", 29))
    case("text after an object", f"{move} x", bad(110, "none", 27))
    case("fault of syntax costs its line", f'{move}\n{{"kind":\n{move}\n{move} x\n{move}',
         moved, bad(110, "none", 35), moved, bad(110, "none", 90), moved)
    case("syntax before content", '{"kind":7,"x":}', bad(110, "none", 14))
    # names
    case("name", '{"kind":"join","player":"Zoë"}', ok(name="Zoë", kind="join", flags=1 << 13))
    case("escaped name", r'{"kind":"join","player":"a\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00"}',
         ok(name='a"\\/\b\f\n\r\tAé\U0001f600', kind="join", flags=1 << 13))
    case("name of 64 bytes", '{"kind":"join","player":"%s"}' % ("é" * 32),
         ok(name="é" * 32, kind="join", flags=1 << 13))
    case("names are numbered by good events",
         '[{"kind":"join","player":"a"},{"kind":"jump","player":"b"},{"kind":"join","player":"c"}]',
         ok(name="a", kind="join", flags=1 << 13), bad(102, "kind", 31),
         ok(name="c", kind="join", flags=1 << 13, player=1))
    fault("name of 65 bytes", '{"kind":"join","player":"%s"}' % ("x" * 65), 111, "player", '"player"')
    fault("empty name", '{"kind":"join","player":""}', 107, "player", '"player"')
    # keys
    case("escaped key and kind", r'{"\u006bind":"m\u006fve","pl\u0061yer":1}', moved)
    case("false flags", '{"rank":false,"hint":false,"kind":"move","player":1}', moved)
    case("minus zero", '{"kind":"move","player":1,"x":-0,"hunt":-0}', moved)
    case("value for its parts", '{"kind":"edge","value":4097}', ok(kind="edge", value=4097))
    case("stock said, points not", '{"kind":"spawn","treasure":1,"stock":2}',
         ok(kind="spawn", treasure=1, value=2 << 31))
    fault("unknown key", '{"kind":"move","trasure":1,"player":1}', 108, "none", '"trasure"')
    fault("key with a NUL", '{"kind":"move","player\\u0000":1}', 108, "none", '"player\\u0000"')
    fault("key in capitals", '{"Kind":"move"}', 108, "none", '"Kind"')
    fault("empty key", '{"":1,"kind":"move","player":1}', 108, "none", '""')
    fault("long key", '{"%s":1}' % ("k" * 200), 108, "none", 1)
    fault("repeated key", '{"kind":"move","player":1,"player":1}', 112, "player", 26)
    fault("points beside value", '{"kind":"score","player":1,"value":1,"points":1}', 112, "value",
          '"points"')
    fault("stock of a score", '{"kind":"score","player":1,"points":1,"stock":1}', 108, "value",
          '"stock"')
    fault("points of a move", '{"kind":"move","player":1,"points":1}', 108, "value", '"points"')
    # missing
    fault("no kind", ' {"player":1}', 106, "kind", 1)
    fault("no player", '{"kind":"move"}', 106, "player", 0)
    fault("player 0", '{"kind":"move","player":0}', 106, "player", '"player"')
    fault("claim without treasure", '{"kind":"claim","player":1}', 106, "treasure", 0)
    fault("score without points", '{"kind":"score","player":1}', 106, "value", 0)
    fault("edge without multiplier", '{"kind":"edge","direction":1}', 106, "value", 0)
    fault("edge without direction", '{"kind":"edge","multiplier":1}', 106, "value", 0)
    edge_bodies(case, fault)
    # kinds
    fault("unknown kind", '{"kind":"mve","player":1}', 102, "kind", '"kind"')
    fault("kind of the engine", '{"kind":"tally","player":1}', 102, "kind", '"kind"')
    fault("kind of a later version", '{"kind":"scan","player":1}', 103, "kind", '"kind"')
    fault("kind as a number", '{"kind":3,"player":1}', 109, "kind", '"kind"')
    # types
    for value in ("1.0", "1e3", "1E-2", "0.5", "true", "null", "[1]", "{}", '"1"'):
        fault(f"x of {value}", '{"kind":"move","player":1,"x":%s}' % value, 109, "x", '"x"')
    for value in ("1", '"true"', "null"):
        fault(f"rank of {value}", '{"rank":%s,"kind":"move","player":1}' % value, 109, "flags",
              '"rank"')
    for value in ("true", "1.5", "[]"):
        fault(f"player of {value}", '{"kind":"move","player":%s}' % value, 109, "player", '"player"')
    # ranges
    for key, value in [("x", 2**31), ("y", -2**31 - 1), ("z", 10**30), ("hunt", 2**32), ("hunt", -1),
                       ("treasure", 2**32), ("sequence", 2**56 + 1), ("sequence", -1),
                       ("time", 2**53 + 1), ("time", -1), ("player", 2**64), ("player", -1),
                       ("producer", 2**64), ("value", 2**63), ("value", -2**63 - 1)]:
        fault(f"{key} of {value}", '{"kind":"move","%s":%d}' % (key, value), 107, key, f'"{key}"')
    for key, value, kind in [("points", 2**31, "spawn"), ("points", -1, "spawn"),
                             ("points", 10**9 + 1, "score"), ("points", -10**9 - 1, "score"),
                             ("stock", 0, "spawn"), ("stock", 2**20, "spawn"),
                             ("multiplier", 256, "edge"), ("direction", 26, "edge"),
                             ("value", 8 << 8, "edge"), ("value", 10**9 + 1, "score")]:
        extra = {"edge": '"direction":1,', "spawn": "", "score": ""}[kind]
        if key in ("direction", "value"):
            extra = ""
        fault(f"{key} of {value} ({kind})",
              '{"kind":"%s","player":1,"treasure":1,%s"%s":%d}' % (kind, extra, key, value), 107,
              "value", f'"{key}"')
    case("largest numbers", '{"kind":"move","player":18446744073709551615}',
         ok(kind="move", player=2**64 - 1))
    # syntax
    for name, text, at in [
        ("lone high surrogate", r'{"player":"\ud800"}', 17), ("lone low surrogate", r'{"player":"\udc00"}', 12),
        ("high and no low surrogate", r'{"player":"\ud800\u0041"}', 19),
        ("leading zero", '{"x":01}', 6), ("plus", '{"x":+1}', 5), ("minus alone", '{"x":-}', 6),
        ("point alone", '{"x":1.}', 7), ("exponent alone", '{"x":1e}', 7), ("single quotes", "{'x':1}", 1),
        ("control character", '{"player":"a\tb"}', 12), ("newline in a string", '{"player":"a\nb"}', 12),
        ("bare word", '{"x":nul}', 8), ("comment", '{/*c*/"x":1}', 1),
        ("trailing comma", '{"x":1,}', 7), ("no colon", '{"x" 1}', 5),
        ("byte-order mark", "\ufeff{}", 0), ("33 levels", '{"a":' + "[" * 32 + "]" * 32 + "}", 36),
    ]:
        fault(name, text, 110, "none", at)
    fault("32 levels", '{"a":' + "[" * 31 + "]" * 31 + "}", 108, "none", 1)
    for name, raw in [("overlong UTF-8", b"\xc0\xaf"), ("surrogate in UTF-8", b"\xed\xa0\x80"),
                      ("above U+10FFFF", b"\xf4\x90\x80\x80"), ("lone continuation", b"\x80"),
                      ("cut UTF-8", b"\xe2\x82"), ("byte 0xff", b"\xff")]:
        case(name, b'{"player":"' + raw + b'"}', bad(110, "none", 11))
    return cases


def edge_bodies(case, fault):
    """Changes of edges, as senders may say them, and what contradicts itself."""
    for name, keys, fields in [
        ("step", '"x":20,"y":4,"direction":0,"multiplier":3', dict(x=20, y=4, value=3)),
        ("change said first", '"change":"reweight","direction":9,"multiplier":3',
         dict(value=1 << 40 | 9 << 32 | 3)),
        ("step closed", '"x":20,"y":4,"direction":6,"change":"close"', dict(x=20, y=4, value=6 << 8)),
        ("step up closed", '"direction":9,"change":"close"', dict(value=1 << 40 | 9 << 32)),
        ("step opened", '"change":"open","direction":7', dict(value=2 << 40 | 7 << 32)),
        ("edge", '"edge":17,"cost":250', dict(treasure=17, value=3 << 40 | 250)),
        ("edge closed", '"edge":17,"change":"close"', dict(treasure=17, value=3 << 40)),
        ("edge opened", '"edge":0,"change":"open"', dict(value=4 << 40)),
        ("edge added", '"x":1,"y":2,"to":5123,"cost":30,"change":"add"',
         dict(x=1, y=2, treasure=5123, value=5 << 40 | 30)),
        ("edge removed", '"edge":17,"change":"remove"', dict(treasure=17, value=6 << 40)),
        ("block placed", '"x":1,"y":2,"z":3,"change":"place"', dict(x=1, y=2, z=3, value=1 << 12)),
        ("block broken", '"x":1,"y":2,"z":3,"change":"break"', dict(x=1, y=2, z=3, value=1 << 12 | 1)),
        ("block as a box of one", '"change":"break","depth":1', dict(value=1 << 12 | 1)),
        ("boxes default to 1", '"change":"place","height":2', dict(value=7 << 40 | 1 << 49)),
        ("box", '"x":1,"y":2,"z":3,"width":4,"height":4,"depth":2,"change":"break"',
         dict(x=1, y=2, z=3, value=8 << 40 | 3 << 44 | 3 << 49 | 1 << 54)),
        ("block with a direction", '"block":true,"multiplier":2,"direction":7',
         dict(value=1 << 12 | 7 << 8 | 2)),
        ("no block", '"block":false,"multiplier":2,"direction":7', dict(value=7 << 8 | 2)),
        ("value and id", '"value":4398046511104,"treasure":17', dict(treasure=17, value=4 << 40)),
        ("escaped change", r'"change":"\u006fpen","edge":1', dict(treasure=1, value=4 << 40)),
    ]:
        case(f"edge: {name}", '{"kind":"edge",%s}' % keys, ok(kind="edge", **fields))
    # at fault: what is missing is charged to the object, what is wrong to its key
    for name, keys, code, field, at in [
        ("nothing said", '"x":1', 106, "value", 0),
        ("opened, and which is not said", '"change":"open"', 106, "value", 0),
        ("closed, and which is not said", '"change":"close"', 106, "value", 0),
        ("id without cost", '"edge":17', 106, "value", 0),
        ("cost without id", '"cost":17', 106, "treasure", 0),
        ("cost without id beside treasure", '"treasure":17,"cost":17', 106, "treasure", 0),
        ("added without to", '"change":"add","cost":3', 106, "treasure", 0),
        ("added without cost", '"change":"add","to":3', 106, "value", 0),
        ("removed without id", '"change":"remove"', 106, "treasure", 0),
        ("id with direction", '"edge":17,"cost":1,"direction":0', 108, "value", '"direction"'),
        ("id with multiplier", '"edge":17,"multiplier":3', 108, "value", '"multiplier"'),
        ("id with block", '"edge":17,"change":"open","block":true', 108, "value", '"block"'),
        ("cost with direction", '"direction":0,"cost":3', 108, "value", '"cost"'),
        ("opened with multiplier", '"change":"open","direction":0,"multiplier":3', 108, "value",
         '"multiplier"'),
        ("closed with cost", '"change":"close","edge":1,"cost":3', 108, "value", '"cost"'),
        ("opened whole block", '"change":"open","direction":0,"block":true', 108, "value", '"block"'),
        ("added by id", '"change":"add","edge":1,"to":2,"cost":3', 108, "treasure", '"edge":'),
        ("removed from a node", '"change":"remove","edge":1,"to":2', 108, "treasure", '"to"'),
        ("removed with cost", '"change":"remove","edge":1,"cost":2', 108, "value", '"cost"'),
        ("placed by id", '"change":"place","edge":1', 108, "treasure", '"edge":'),
        ("placed with multiplier", '"change":"place","multiplier":0', 108, "value", '"multiplier"'),
        ("box with step", '"direction":0,"multiplier":3,"width":2', 108, "value", '"width"'),
        ("box with id", '"edge":1,"cost":3,"depth":2', 108, "value", '"depth"'),
        ("box with add", '"change":"add","to":1,"cost":3,"height":2', 108, "value", '"height"'),
        ("treasure beside id", '"treasure":17,"edge":17,"cost":1', 112, "treasure", '"edge":'),
        ("treasure beside to", '"to":1,"treasure":17,"cost":1,"change":"add"', 112, "treasure", '"to"'),
        ("id beside value", '"edge":17,"value":0', 112, "treasure", '"edge":'),
        ("to beside value", '"value":0,"to":1', 112, "treasure", '"to"'),
        ("change beside value", '"value":0,"change":"open"', 112, "value", '"change"'),
        ("cost beside value", '"value":0,"cost":1', 112, "value", '"cost"'),
        ("width beside value", '"value":0,"width":1', 112, "value", '"width"'),
        ("change said twice", '"change":"open","change":"open"', 112, "value", 31),
        ("unknown change", '"edge":1,"change":"opened"', 102, "value", '"change"'),
        ("change with a NUL", r'"edge":1,"change":"open\u0000"', 102, "value", '"change"'),
        ("change as a number", '"edge":1,"change":1', 109, "value", '"change"'),
        ("cost as a word", '"edge":1,"cost":"1"', 109, "value", '"cost"'),
        ("id of 2^32", '"cost":1,"edge":4294967296', 107, "treasure", '"edge":'),
        ("id below 0", '"cost":1,"edge":-1', 107, "treasure", '"edge":'),
        ("to of 2^32", '"cost":1,"to":4294967296', 107, "treasure", '"to"'),
        ("cost of 2^31", '"edge":1,"cost":2147483648', 107, "value", '"cost"'),
        ("cost below 0", '"edge":1,"cost":-1', 107, "value", '"cost"'),
        ("added at no cost", '"change":"add","to":1,"cost":0', 107, "value", '"cost"'),
        ("block in direction 8", '"multiplier":1,"block":true,"direction":8', 107, "value",
         '"direction"'),
        ("width of 0", '"change":"place","width":0', 107, "value", '"width"'),
        ("height of 33", '"change":"place","height":33', 107, "value", '"height"'),
        ("depth of 33", '"change":"break","depth":33', 107, "value", '"depth"'),
        ("box of 513", '"change":"place","width":19,"height":27', 107, "value", '"width"'),
        ("box of 544 without width", '"change":"break","depth":32,"height":17', 107, "value",
         '"height"'),
        ("value of form 9", '"value":9895604649984', 107, "value", '"value"'),
    ]:
        fault(f"edge: {name}", '{"kind":"edge",%s}' % keys, code, field, at)
    for key, value in [("cost", 1), ("width", 1), ("height", 1), ("depth", 1), ("change", '"open"')]:
        fault(f"{key} of a move", '{"kind":"move","player":1,"%s":%s}' % (key, value), 108, "value",
              f'"{key}"')
    for key in ("edge", "to"):
        fault(f"{key} of a move", '{"kind":"move","player":1,"%s":1}' % key, 108, "treasure",
              f'"{key}"')


# --- Outcomes ---------------------------------------------------------------------------------------

def outcomes():
    cases = [
        ("move with rank and hint",
         dict(kind="move", flags=2, direction=7, offset=12, sequence=3, player=7, total=150, rank=2,
              treasure=4, distance=1400, position=1),
         dict(position=1, kind="move", result="ok", code=0, disposition="applied", offset=12, sequence=3,
              player=7, points=0, total=150, rank=2,
              hint=dict(distance=1400, treasure=4, direction=7, trend="warmer"))),
        ("hint at the treasure, colder",
         dict(kind="move", flags=5, sequence=1, player=7, treasure=4, distance=0),
         dict(position=0, kind="move", result="ok", code=0, disposition="applied", offset=0, sequence=1,
              player=7, points=0, total=0, hint=dict(distance=0, treasure=4, trend="colder"),
              provisional=True)),
        ("claim", dict(kind="claim", offset=2**40, sequence=4, player=7, total=200, points=50, treasure=9),
         dict(position=0, kind="claim", result="ok", code=0, disposition="applied", offset=2**40,
              sequence=4, player=7, points=50, total=200, treasure=9, stock_left=0)),
        ("claim too far", dict(kind="claim", result=13, sequence=4, player=7, treasure=9, stock_left=3),
         dict(position=0, kind="claim", result="too_far", code=13, disposition="applied", offset=0,
              sequence=4, player=7, points=0, total=0, treasure=9)),
        ("score lost", dict(kind="score", sequence=1, player=7, points=-50, total=-20),
         dict(position=0, kind="score", result="ok", code=0, disposition="applied", offset=0, sequence=1,
              player=7, points=-50, total=-20)),
        ("duplicate", dict(kind="move", result=1, disposition=1, sequence=4, player=7),
         dict(position=0, kind="move", result="duplicate", code=1, disposition="duplicate",
              sequence=4, player=7, points=0, total=0)),
        ("rejected", dict(kind="move", result=107, disposition=2, field=8, sequence=4, player=7, position=3),
         dict(position=3, kind="move", result="out_of_range", code=107, disposition="rejected",
              sequence=4, player=7, field="time")),
        ("rejected, nothing known", dict(kind=0, result=110, disposition=2),
         dict(position=0, result="malformed", code=110, disposition="rejected")),
        ("late", dict(kind="move", result=2, disposition=3, offset=5, sequence=4, player=7),
         dict(position=0, kind="move", result="late", code=2, disposition="late", offset=5, sequence=4,
              player=7, points=0, total=0)),
        ("shed", dict(kind="move", result=3, disposition=4, sequence=4, player=7),
         dict(position=0, kind="move", result="busy", code=3, disposition="shed", sequence=4, player=7)),
    ]
    out = []
    for name, fields, form in cases:
        values, raw = outcome(**fields)
        out.append(dict(name=name, hex=raw.hex(), fields=values, json=form))
    return out


# --- Frames -----------------------------------------------------------------------------------------

def payloads():
    hello = struct.pack("<QBBBBI48s", 77, 1, 3, 4, 1, 0, "Zoë".encode())
    welcome = struct.pack("<QQqIIB31x", 41, 1000, 1700000000000, 9, 2048, 1)
    ack = struct.pack("<QQIIIIIB27x", 1010, 1005, 5, 4, 3, 2, 1, 1)
    refusal = struct.pack("<HBBIII48x", 3, 0, 0, 0, 250, 12)
    return hello, welcome, ack, refusal


def frames():
    hello, welcome, ack, refusal = payloads()
    two = event(kind="move", player=1)[1] + event(kind="claim", player=1, treasure=2)[1]
    one = outcome(kind="move", player=1, sequence=1)[1]
    cases = [
        ("hello", 1, hello, 1, 0, dict(producer=77, ack=1, rights=3, options=1, hunt="Zoë")),
        ("welcome", 2, welcome, 1, 0, dict(high_sequence=41, offset=1000, time=1700000000000, hunt=9,
                                           event_count_max=2048, rights=1)),
        ("events", 3, two, 2, 2**64 - 1, None),
        ("no events", 3, b"", 0, 5, None),
        ("most events", 3, bytes(range(64)) * 2048, 2048, 6, None),
        ("outcomes", 4, one, 1, 7, None),
        ("acknowledgement", 5, ack, 1, 7, dict(head=1010, durable=1005, applied=5, duplicate=4,
                                               rejected=3, late=2, shed=1, level=1)),
        ("busy", 6, refusal, 1, 8, dict(result=3, field=0, closing=0, position=0, retry_ms=250, count=12)),
        ("ping", 8, b"", 0, 9, None),
        ("pong", 9, b"", 0, 9, None),
    ]
    out = []
    for name, kind, payload, count, batch, fields in cases:
        raw = frame(kind, payload, count, batch)
        entry = dict(name=name, type=kind, batch=batch, count=count, length=len(payload))
        if len(raw) <= 4096:
            entry["hex"] = raw.hex()
        else:  # written short: the header, then a part that repeats
            entry |= dict(hex=raw[:32].hex(), repeat_hex=payload[:64].hex(), repeat_count=len(payload) // 64)
        if fields is not None:
            entry["payload"] = fields
        out.append(entry)
    return out


def invalid_frames():
    two = event(kind="move", player=1)[1] * 2
    good = frame(3, two, 2)

    def fatal(name, raw, code, field, position):
        return dict(name=name, hex=raw.hex(), reading="fatal", code=code, field=field, position=position)

    return [
        dict(name="nothing", hex="", reading="need_more", bytes=32),
        dict(name="one byte", hex=good[:1].hex(), reading="need_more", bytes=31),
        dict(name="header without its end", hex=good[:31].hex(), reading="need_more", bytes=1),
        dict(name="header alone", hex=good[:32].hex(), reading="need_more", bytes=128),
        dict(name="payload without its end", hex=good[:-1].hex(), reading="need_more", bytes=1),
        dict(name="damaged payload", hex=(good[:40] + b"\xff" + good[41:]).hex(), reading="corrupt",
             count=2, end=160),
        fatal("HTTP", b"GET / HTTP/1.1\r\n", 110, "none", 0),
        fatal("magic of another version", b"VTX2", 110, "none", 3),
        fatal("version", frame(3, two, 2, version=2), 101, "version", 4),
        fatal("header CRC", frame(3, two, 2, header_crc=0), 113, "none", 28),
        fatal("bit of the batch flipped", good[:8] + b"\x03" + good[9:], 113, "none", 28),
        fatal("type 0", frame(0, two, 2), 102, "kind", 5),
        fatal("type 10", frame(10, two, 2), 102, "kind", 5),
        fatal("flags", frame(3, two, 2, flags=1), 104, "flags", 6),
        fatal("count of 2049", frame(3, b"", 2049, length=2049 * 64), 111, "none", 16),
        fatal("hello of two", frame(1, two, 2), 107, "none", 16),
        fatal("length above the most", frame(3, b"", 2048, length=2048 * 64 + 1), 111, "none", 20),
        fatal("length of 4 GiB", frame(3, b"", 1, length=2**32 - 1), 111, "none", 20),
        fatal("count and length disagree", frame(3, two, 1), 107, "none", 20),
        fatal("ping with a payload", frame(8, two[:64], 0), 107, "none", 20),
    ]


def hellos():
    def packed(producer=77, ack=1, rights=1, size=4, options=0, reserved=0, name=b"hunt"):
        return struct.pack("<QBBBBI48s", producer, ack, rights, size, options, reserved, name).hex()

    return [
        dict(name="good", hex=packed()),
        dict(name="longest name", hex=packed(size=48, name=b"h" * 48)),
        dict(name="producer 0", hex=packed(producer=0), code=107, field="producer", position=0),
        dict(name="producer above 2^63-1", hex=packed(producer=2**63), code=107, field="producer", position=0),
        dict(name="level 2", hex=packed(ack=2), code=107, field="none", position=8),
        dict(name="unknown right", hex=packed(rights=4), code=104, field="flags", position=9),
        dict(name="no name", hex=packed(size=0, name=b""), code=107, field="hunt", position=10),
        dict(name="name of 49", hex=packed(size=49), code=107, field="hunt", position=10),
        dict(name="unknown option", hex=packed(options=2), code=104, field="flags", position=11),
        dict(name="reserved", hex=packed(reserved=1), code=107, field="none", position=12),
        dict(name="bytes after the name", hex=packed(size=3), code=107, field="hunt", position=19),
        dict(name="name not UTF-8", hex=packed(size=1, name=b"\xff"), code=110, field="hunt", position=16),
    ]


def main():
    checks = [b"", b"123456789", bytes(32), bytes([255] * 32), bytes(range(32))]
    assert crc32c(b"123456789") == 0xE3069283
    vectors = dict(
        about="Test vectors of docs/protocol.md; codes and positions are explained there.",
        crc32c=[dict(hex=data.hex(), crc=crc32c(data)) for data in checks],
        events=events(), invalid_events=invalid_events(), bodies=bodies(), outcomes=outcomes(),
        frames=frames(), invalid_frames=invalid_frames(), hellos=hellos())
    out = sys.stdout
    out.write("{\n")
    for at, (section, entries) in enumerate(vectors.items()):
        last = at == len(vectors) - 1
        if isinstance(entries, str):
            out.write(f' {json.dumps(section)}: {json.dumps(entries)},\n')
            continue
        out.write(f" {json.dumps(section)}: [\n")
        out.write(",\n".join("  " + json.dumps(entry, ensure_ascii=True) for entry in entries))
        out.write("\n ]" + ("\n" if last else ",\n"))
    out.write("}\n")


if __name__ == "__main__":
    main()
