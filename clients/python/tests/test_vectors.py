"""docs/protocol-vectors.json, both ways; the Swift tests read the same file."""

import json
import pathlib
import random
import struct
import sys
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

import veltrix  # noqa: E402
from veltrix import Event, edges  # noqa: E402
from veltrix.codes import word  # noqa: E402
from veltrix.frames import Acknowledgement, Hello, Refusal, Welcome  # noqa: E402

DOCS = HERE.parents[3] / "docs"
VECTORS = json.loads((DOCS / "protocol-vectors.json").read_text(encoding="utf-8"))


def field_number(name):
    return veltrix.Field[name.upper()]


def each(section):
    """Runs a test for every vector of a section."""
    def decorate(test):
        def run(self):
            self.assertTrue(VECTORS[section])
            for vector in VECTORS[section]:
                with self.subTest(vector.get("name")):
                    test(self, vector)
        return run
    return decorate


class VectorTests(unittest.TestCase):
    def assert_rejected(self, vector, action):
        with self.assertRaises(veltrix.Rejection) as caught:
            action()
        self.assertEqual((caught.exception.code, caught.exception.field, caught.exception.position),
                         (vector["code"], field_number(vector["field"]), vector["position"]))

    @each("crc32c")
    def test_crc32c(self, vector):
        data = bytes.fromhex(vector["hex"])
        self.assertEqual(veltrix.crc32c(data), vector["crc"])
        self.assertEqual(veltrix.crc32c(data[5:], veltrix.crc32c(data[:5])), vector["crc"])

    @each("events")
    def test_events(self, vector):
        event = veltrix.Event(**vector["fields"])
        self.assertEqual(event.pack().hex(), vector["hex"])
        self.assertEqual(veltrix.Event.unpack(bytes.fromhex(vector["hex"])), event)
        self.assertEqual(event.to_json(), json.loads(vector["json"]))
        event.validate()

    @each("invalid_events")
    def test_invalid_events(self, vector):
        event = veltrix.Event.unpack(bytes.fromhex(vector["hex"]))
        self.assert_rejected(vector, event.validate)

    @each("outcomes")
    def test_outcomes(self, vector):
        outcome = veltrix.Outcome(**vector["fields"])
        self.assertEqual(outcome.pack().hex(), vector["hex"])
        self.assertEqual(veltrix.Outcome.unpack(bytes.fromhex(vector["hex"])), outcome)
        self.assertEqual(outcome.to_json(), vector["json"])

    @each("frames")
    def test_frames(self, vector):
        payloads = {1: Hello, 2: Welcome, 5: Acknowledgement, 6: Refusal}
        raw = bytes.fromhex(vector["hex"])
        raw += bytes.fromhex(vector.get("repeat_hex", "")) * vector.get("repeat_count", 0)
        frame = veltrix.decode(raw)
        self.assertTrue(frame.is_intact)
        self.assertEqual((frame.type, frame.batch, frame.count, len(frame.payload), frame.size),
                         (vector["type"], vector["batch"], vector["count"], vector["length"],
                          len(raw)))
        self.assertEqual(veltrix.encode(*frame[:4]), raw)
        if frame.type in payloads:
            payload = payloads[frame.type](**vector["payload"])
            self.assertEqual(payload.pack(), frame.payload)
            self.assertEqual(payloads[frame.type].unpack(frame.payload), payload)

    @each("invalid_frames")
    def test_invalid_frames(self, vector):
        raw = bytes.fromhex(vector["hex"])
        if vector["reading"] == "need_more":
            self.assertIsNone(veltrix.decode(raw))
        elif vector["reading"] == "corrupt":
            frame = veltrix.decode(raw)
            self.assertEqual((frame.is_intact, frame.count, frame.size),
                             (False, vector["count"], vector["end"]))
        else:
            self.assert_rejected(vector, lambda: veltrix.decode(raw))

    @each("hellos")
    def test_hellos(self, vector):
        raw = bytes.fromhex(vector["hex"])
        if "code" in vector:
            self.assert_rejected(vector, lambda: Hello.unpack(raw))
        else:
            self.assertEqual(Hello.unpack(raw).pack(), raw)

    def test_results_are_those_of_the_page(self):
        page = (DOCS / "protocol.md").read_text(encoding="utf-8").split("\n## 9.")[1].split("\n## 10.")[0]
        rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ")][1:]
        self.assertEqual([(int(code), name.strip()) for code, name in rows],
                         [(code.value, code.name.lower()) for code in veltrix.Result])

    def test_any_bytes_give_a_frame_or_a_rejection(self):
        seed = random.randrange(1 << 32)
        source = random.Random(seed)
        good = veltrix.encode(3, 1, 2, bytes(range(128)))
        reached = set()
        for _ in range(2000):
            raw = bytearray(good)
            for _ in range(source.randrange(3)):
                raw[source.randrange(len(raw))] ^= 1 << source.randrange(8)
            del raw[source.choice([len(raw), source.randrange(len(raw))]):]
            try:
                frame = veltrix.decode(raw)
                reached.add("none" if frame is None else "frame" if frame.is_intact else "corrupt")
                self.assertFalse(frame and frame.is_intact and raw != good, f"seed {seed}")
            except veltrix.Rejection as rejection:
                reached.add(word(veltrix.Result, rejection.code))
        self.assertLessEqual(
            {"none", "frame", "corrupt", "malformed", "unsupported_version", "corrupt_frame"}, reached)

    def test_edge_events_are_made_by_name(self):
        made = [
            (Event.edge(4, 4, 6, 0), "edge closed to the north"),
            (Event.edge(0, 0, 0, 2, block=True), "block opened at double cost"),
            (Event.edge(-1, 2, 9, 3, z=3), "step up to the east"),
            (Event.edge(0, 0, 25, 0), "last direction closed"),
            (Event.open_edge(20, 4, 0), "step opened"),
            (Event.edge_by_id(17, 250), "edge by its id"),
            (Event.edge_by_id(2**32 - 1, 0), "edge closed by its id"),
            (Event.open_edge_by_id(17), "edge opened by its id"),
            (Event.add_edge(1, 2, to=5123, cost=30), "edge added"),
            (Event.remove_edge(17), "edge removed"),
            (Event.place(1, 2, z=3), "block placed"),
            (Event.place(0, 0, 32, treasure=5), "row of blocks placed"),
            (Event.break_(1, 2, 4, 4, 2, z=3), "box of blocks broken"),
            (Event.break_(0, 0, 8, 2, 32), "largest box broken"),
        ]
        vectors = {vector["name"]: vector["hex"] for vector in VECTORS["events"]}
        for event, name in made:
            self.assertEqual(event.pack().hex(), vectors[name], name)
            event.validate()

    def test_edge_events_out_of_range_are_not_made(self):
        for make in [
            lambda: Event.edge(0, 0, 26, 1), lambda: Event.edge(0, 0, 0, 256),
            lambda: Event.edge(0, 0, 8, 1, block=True), lambda: Event.open_edge(0, 0, -1),
            lambda: Event.edge_by_id(1, 2**31), lambda: Event.add_edge(0, 0, to=1, cost=0),
            lambda: Event.place(0, 0, 33), lambda: Event.break_(0, 0, 19, 27), lambda: Event.place(0, 0, 0),
        ]:
            self.assert_rejected(dict(code=107, field="value", position=56), make)

    def test_any_value_of_an_edge_is_valid_or_rejected_and_keeps_its_form(self):
        seed = random.randrange(1 << 32)
        source = random.Random(seed)
        reached = set()
        for _ in range(5000):
            value = source.randrange(16) << 40 | source.choice([0, 1, 255, 1 << 12, 2**31 - 1])
            value |= source.choice([0, source.randrange(32) << 32, source.randrange(1 << 15) << 44])
            if edges.is_valid(value):
                parts = edges.to_json(17, value)
                reached.add((edges.form(value), parts.get("change"), "value" in parts))
                self.assertEqual("value" in parts, parts == {"treasure": 17, "value": value}, f"seed {seed}")
        self.assertEqual({form for form, _, _ in reached}, set(range(9)), f"seed {seed}")

    def test_a_field_that_does_not_fit_is_refused(self):
        with self.assertRaises(struct.error):
            veltrix.Event(veltrix.Kind.MOVE, player=1, x=1 << 31).pack()


if __name__ == "__main__":
    unittest.main()
