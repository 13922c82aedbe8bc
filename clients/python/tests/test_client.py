"""The client against an engine of 100 lines that drops, delays and refuses on purpose.

Verified: outcomes come in order, each event is applied exactly once, whatever is lost on the way.
Not verified: the real engine; its own tests do that.
"""

import http.server
import json
import pathlib
import random
import socket
import sys
import threading
import unittest
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import veltrix  # noqa: E402
from veltrix import Disposition, Event, FrameType, Kind, Outcome, Refusal, Result, Welcome  # noqa: E402


class FakeEngine(threading.Thread):
    """Applies each sequence once. `misfortunes` are taken one an events frame: `drop` closes before
    judging, `lose` closes after it, `cut` answers half a frame and closes, `busy` and `corrupt` refuse,
    None is luck."""

    def __init__(self, misfortunes=(), refuse=None):
        super().__init__(daemon=True)
        self.misfortunes, self.refuse = list(misfortunes), refuse
        self.applied, self.received_count, self.hellos = [], 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.failure = None
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                with connection:
                    self.serve(connection)
            except ConnectionError:
                pass
            except Exception as failure:  # shown by the test, which joins nothing
                self.failure = failure
                return

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(5)

    def serve(self, connection):
        received = bytearray()
        while True:
            frame = veltrix.decode(received)
            if frame is None:
                data = connection.recv(1 << 16)
                if not data:
                    return
                received += data
                continue
            del received[:frame.size]
            if not self.answer(connection, frame):
                return

    def answer(self, connection, frame):
        if frame.type == FrameType.HELLO:
            self.hellos.append(veltrix.Hello.unpack(frame.payload))
            if self.refuse is not None:
                connection.sendall(veltrix.encode(FrameType.FAULT, frame.batch, 1, self.refuse.pack()))
                return False
            welcome = Welcome(high_sequence=max(self.applied, default=0), hunt=9)
            connection.sendall(veltrix.encode(FrameType.WELCOME, frame.batch, 1, welcome.pack()))
            return True
        if frame.type == FrameType.PING:
            connection.sendall(veltrix.encode(FrameType.PONG, frame.batch, 0))
            return True
        assert frame.type == FrameType.EVENTS and frame.is_intact
        misfortune = self.misfortunes.pop(0) if self.misfortunes else None
        if misfortune == "drop":
            return False
        if misfortune in ("busy", "corrupt"):
            kind = FrameType.BUSY if misfortune == "busy" else FrameType.FAULT
            result = Result.BUSY if misfortune == "busy" else Result.CORRUPT_FRAME
            refusal = Refusal(result, retry_ms=5, count=frame.count)
            connection.sendall(veltrix.encode(kind, frame.batch, 1, refusal.pack()))
            return True
        answer = self.judge(frame)
        if misfortune == "lose":
            return False
        if misfortune == "cut":
            connection.sendall(answer[:len(answer) // 2])
            return False
        connection.sendall(answer)
        return True

    def judge(self, frame):
        outcomes, acknowledgement = b"", veltrix.Acknowledgement()
        for at in range(frame.count):
            event = Event.unpack(frame.payload, at * 64)
            self.received_count += 1
            is_new = event.sequence not in self.applied
            if is_new:
                self.applied.append(event.sequence)
            outcomes += Outcome(
                1, event.kind, Result.OK if is_new else Result.DUPLICATE,
                Disposition.APPLIED if is_new else Disposition.DUPLICATE, 0, 255, 0,
                len(self.applied), event.sequence, event.player, 0, 0, 0, 0, 0xFFFFFFFF, 0, at).pack()
        acknowledgement.durable = len(self.applied)
        return (veltrix.encode(FrameType.OUTCOMES, frame.batch, frame.count, outcomes)
                + veltrix.encode(FrameType.ACKNOWLEDGEMENT, frame.batch, 1, acknowledgement.pack()))


class ClientTests(unittest.TestCase):
    def engine(self, *args, **named):
        engine = FakeEngine(*args, **named)
        self.addCleanup(lambda: self.assertIsNone(engine.failure))
        self.addCleanup(engine.stop)
        return engine

    def client(self, engine, **named):
        named = {"hunt": "Zoë", "producer": 77, "patience": 5.0, **named}
        client = veltrix.Client("127.0.0.1", engine.port, **named)
        self.addCleanup(client.close)
        return client

    @staticmethod
    def moves(count):
        return [Event(Kind.MOVE, player=1 + at % 9, x=at) for at in range(count)]

    def test_outcomes_come_in_the_order_of_the_events(self):
        engine = self.engine()
        client = self.client(engine, batch=10, window=3)
        outcomes = client.send(self.moves(105))
        self.assertEqual([one.sequence for one in outcomes], list(range(1, 106)))
        self.assertTrue(all(one.is_ok for one in outcomes))
        self.assertEqual(client.send(self.moves(2))[0].sequence, 106)
        self.assertEqual((engine.hellos[0].hunt, engine.hellos[0].producer), ("Zoë", 77))
        self.assertEqual(client.unsettled_count, 0)
        self.assertGreaterEqual(client.ping(), 0)
        self.assertGreater(client.durable_offset, 0)

    def test_a_second_client_goes_on_where_the_first_ended(self):
        engine = self.engine()
        with self.client(engine) as first:
            first.send(self.moves(5))
        self.assertEqual(self.client(engine).send(self.moves(1))[0].sequence, 6)

    def test_every_event_is_applied_once_whatever_is_lost(self):
        seed = random.randrange(1 << 32)
        source = random.Random(seed)
        kinds = ["drop", "lose", "cut", "busy", "corrupt", None, None, None]
        engine = self.engine([source.choice(kinds) for _ in range(40)])
        client = self.client(engine, batch=7, window=4, patience=30.0)
        outcomes = client.send(self.moves(200))
        self.assertEqual([one.sequence for one in outcomes], list(range(1, 201)), f"seed {seed}")
        self.assertEqual(sorted(engine.applied), list(range(1, 201)), f"seed {seed}")
        results = {one.result for one in outcomes}
        self.assertLessEqual(results, {Result.OK, Result.DUPLICATE}, f"seed {seed}")

    def test_a_lost_answer_makes_duplicates_and_a_lost_frame_does_not(self):
        for misfortune, result in (("lose", Result.DUPLICATE), ("drop", Result.OK)):
            engine = self.engine([misfortune])
            client = self.client(engine)
            self.assertEqual(client.send(self.moves(1))[0].result, result)
            self.assertEqual(client.reconnect_count, 1)

    def test_a_refused_hello_is_raised_and_not_repeated(self):
        engine = self.engine(refuse=Refusal(Result.WRONG_HUNT, closing=1, position=48))
        with self.assertRaises(veltrix.Refused) as caught:
            self.client(engine).send(self.moves(1))
        self.assertEqual(caught.exception.refusal.result, Result.WRONG_HUNT)
        self.assertEqual(len(engine.hellos), 1)

    def test_an_invalid_event_is_raised_before_anything_is_kept(self):
        client = self.client(self.engine())
        with self.assertRaises(veltrix.Rejection):
            client.send(self.moves(3) + [Event(Kind.CLAIM, player=1)])
        self.assertEqual(client.unsettled_count, 0)
        self.assertEqual(client.send(self.moves(1))[0].sequence, 1)

    def test_patience_ends_and_nothing_is_forgotten(self):
        engine = self.engine(["busy"] * 100_000)
        client = self.client(engine, patience=0.2)
        with self.assertRaises(veltrix.Unavailable):
            client.send(self.moves(3))
        self.assertEqual(client.unsettled_count, 3)
        engine.misfortunes.clear()
        self.assertEqual([one.sequence for one in client.drain()], [1, 2, 3])

    def test_nobody_listens(self):
        client = veltrix.Client("127.0.0.1", 1, hunt="town", patience=0.2)
        with self.assertRaises(veltrix.Unavailable):
            client.send(self.moves(1))


class HttpTests(unittest.TestCase):
    def test_events_go_out_as_json_and_outcomes_come_back(self):
        seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                seen.append((self.path, self.headers["Authorization"], body))
                is_refused = self.headers["Idempotency-Key"] == "refused"
                count = 0 if is_refused else len(body)
                answer = json.dumps({"outcomes": [{"position": at} for at in range(count)]}).encode()
                self.send_response(200 if len(body) > 1 else 400)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        client = veltrix.HttpClient(f"http://127.0.0.1:{server.server_port}", "Zoë", key="k")
        self.assertEqual(client.send([{"kind": "jump"}]), [{"position": 0}])
        with self.assertRaises(urllib.error.HTTPError) as caught:
            client.send([{"kind": "jump"}], idempotency_key="refused")
        caught.exception.close()
        seen.clear()
        outcomes = client.send([Event(Kind.MOVE, player=1, x=2), {"kind": "join", "player": "Zoë"}])
        self.assertEqual([one["position"] for one in outcomes], [0, 1])
        self.assertEqual(seen, [("/v1/hunts/Zo%C3%AB/events?ack=durable", "Bearer k", [
            {"kind": "move", "player": 1, "x": 2}, {"kind": "join", "player": "Zoë"}])])


if __name__ == "__main__":
    unittest.main()
