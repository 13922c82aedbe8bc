#!/usr/bin/env python3
"""Kills the engine again and again, and checks that it kept every promise.

    scripts/crash.py --binary .build/release/veltrix --rounds 20 --seed 1

A round starts the engine on one data folder, lets five connections of the stream protocol and one of
HTTP send events, kills it with SIGKILL (under load, at a segment's end, during recovery, idle; now and
then SIGTERM), and reads the journal's files. Then:

- what was answered durable stands at its offset, once, as it was sent; nothing stands there that nobody sent;
- every outcome told, and every read answered meanwhile, is what a model of the rules gets from the
  journal: results, points, totals, stock, winners per generation, scores, treasures, books;
- after the restart `welcome` knows the highest sequence, everything not settled is sent again and is new
  or a duplicate exactly as the journal says, and no read is older than what was durable;
- snapshots are written all the time, old segments compressed, backups made and cut short by kills: a
  backup that was made and is restored is a prefix of the journal, not shorter than what was durable;
- an Unplay preview of a player, built under load, shows what the model gets from the journal without that
  player's events, and nothing of it is beyond what the crash left;
- a body sent with atomic=true stands in the journal as a whole or not at all, whenever the crash came;
- copies of the folder, damaged on purpose, are refused with status 3 and the place of the damage, or
  recovered when the damage is that of a torn write.

At the end everything ever sent is sent again, and all of it is a duplicate; `veltrix replay --verify` agrees.

With --power each end of the engine is a power cut too: what it wrote and did not flush is taken back, all of
it or a random part (crashing/power.py). Backups are left out then: they may hold what a cut takes.

Not checked: sectors torn by a power cut (only by --damages), hints and ranks, promotions
(check-forks.py kills those), `retention: remove` (the journal is read from its beginning), and the rules that
crashing/model.py names. The seed repeats the schedule as far as timing allows.
Exit: 0 all kept, 1 a promise broken, 2 bad usage.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "clients", "python")]

from checking import Engine, Violation, check, run  # noqa: E402
from crashing.damage import WAYS, damage  # noqa: E402
from crashing.journal import read_journal, segment_paths  # noqa: E402
from crashing.ledger import HEIGHT, PLAYERS, TREASURES, WIDTH, Line  # noqa: E402
from crashing.model import ANONYMOUS, BOOK_KEYS, Model  # noqa: E402
from crashing.power import CutEngine, Power  # noqa: E402
from crashing.stream import StreamSender  # noqa: E402
from crashing.web import WebSender  # noqa: E402
from veltrix.codes import Ack, Disposition  # noqa: E402
from veltrix.events import Event, Outcome  # noqa: E402

NAME = "crash"
#: Moments of the kill; a run goes through them in an order of its own, the first three first.
MOMENTS = ("load", "roll", "start", "idle", "term")


def hunt_file(random) -> dict:
    rows = ["".join("@" if random.random() < 0.12 else "." for _ in range(WIDTH))
            for _ in range(HEIGHT)]
    open_blocks = [(x, y) for y in range(HEIGHT) for x in range(WIDTH) if rows[y][x] == "."]
    text = f"type octile\nheight {HEIGHT}\nwidth {WIDTH}\nmap\n" + "\n".join(rows) + "\n"
    treasures = []
    for number in range(1, TREASURES + 1):
        x, y = random.choice(open_blocks)
        treasures.append(dict(
            id=number, x=x, y=y, points=random.randint(0, 40), stock=random.randint(1, 5),
            respawn_ms=random.choice((0, 20, 150, 700)), reach=random.randint(1, 6)))
    return dict(
        hunt=NAME, world=dict(neighbours=8, text=text),
        limits=dict(players=256, treasures=20, claims=65_536, producers=16, gaps=65_536,
                    idempotency_keys=131_072, names=64),
        rules=dict(speed_max="any", walls=False, claims_per_player=2),
        treasures=treasures, boards=[dict(name="all-time")])


def as_request(hunt) -> bytes:
    treasures = [{**{key: value for key, value in one.items() if key != "respawn_ms"},
                  "respawn": f"{one['respawn_ms']}ms"} for one in hunt["treasures"]]
    return json.dumps({**hunt, "treasures": treasures}).encode()


def progress(text):
    print(f"crash: {text}", file=sys.stderr, flush=True)


class Campaign:
    """One data folder through all of its crashes."""

    def __init__(self, options, data):
        self.options, self.data = options, data
        self.random = random.Random(options.seed)
        self.flags = ["--segment-size", "1MiB", "--digest-every", "1000", "--disk-reserve", "0",
                      "--log-level", "error", "--durability", options.durability]
        self.folder = os.path.join(data, "hunts", NAME)
        self.hunt = hunt_file(self.random)
        self.model = Model(self.hunt)
        self.engine = None
        self.power = Power(data, self.random) if options.power else None
        #: Entries of the journal seen so far, and their digest: they may never change.
        self.count, self.digest = 0, None
        self.journal = None
        #: Answers of reads, by the offset they hold at: compared when the model comes there.
        self.probes = {}
        self.durable_told = 0
        #: Atomic bodies that a crash left whole although nobody was told, and those of which it left nothing.
        self.bodies_whole = self.bodies_absent = 0
        seed = self.random.random
        self.streams = [
            StreamSender("stream-1", 101, NAME, seed()),
            StreamSender("stream-2", 102, NAME, seed(), window=24),
            StreamSender("one-by-one", 103, NAME, seed(), window=1),
            StreamSender("acknowledged-only", 104, NAME, seed(), ack_only=True),
            StreamSender("applied", 105, NAME, seed(), ack=Ack.APPLIED)]
        self.web = WebSender("web", 106, NAME, seed(), rounds=options.rounds)
        self.ledgers = {sender.ledger.producer: sender.ledger for sender in self.streams}
        self.ledgers.update({ledger.producer: ledger for ledger in self.web.ledgers})
        self.told_at = {producer: 0 for producer in self.ledgers}
        self.ways = list(WAYS)
        #: Backups made in this round: folder, and what was durable before.
        self.backups = []
        self.backup_count = 0
        #: Unplay previews of this round: the player left out, and the fork's reads.
        self.previews = []
        self.preview_count = 0

    # The engine

    def _engine(self, flags) -> Engine:
        if self.power is None:
            return Engine(self.options.binary, self.data, flags)
        return CutEngine(self.power, self.options.binary, self.data, flags)

    def start(self):
        pick = self.random.choice
        self.engine = self._engine(self.flags + [
            "--snapshot-every-events", "1000", "--snapshot-every", pick(("100ms", "200ms", "1s")),
            "--snapshot-rate", pick(("0", "20MiB", "2MiB")), "--snapshot-keep", pick("1234"),
            "--retention", pick(("compress", "compress", "keep"))]).launch()
        check(self.engine.wait_ready(), lambda: (
            f"the engine did not start again: status {self.engine.process.returncode}, "
            f"{self.engine.said()}"))

    def stop(self, kind="kill"):
        self.engine.check_alive()
        self.engine.kill() if kind == "kill" else self.engine.terminate()
        self.engine.close()

    def create(self):
        """Makes the hunt, with kills while it is made: afterwards it is there or it is not."""
        for attempt in range(4):
            self.start()
            if os.path.exists(os.path.join(self.folder, "manifest")):
                self.engine.get(f"/v1/hunts/{NAME}")
                return self.stop()
            status, killer = None, None
            if attempt < 3:
                killer = threading.Timer(self.random.random() * 0.03, self.engine.kill)
                killer.start()
            try:
                status, _, body = self.engine.request("POST", "/v1/hunts", as_request(self.hunt))
                check(status == 201, f"making the hunt: {status} {body}")
            except (OSError, http.client.HTTPException):
                check(killer is not None, "the engine was lost while the hunt was made")
            if killer is not None:
                killer.join()
            else:
                self.stop()
            self.engine.close()
            check(status != 201 or os.path.exists(os.path.join(self.folder, "manifest")),
                  "a hunt that was made (201) is gone after a crash")
        self.start()
        self.stop()

    def replace(self):
        """Deletes a hunt while another of its name is made, again and again, with kills in between: what
        was answered 201 and not deleted is there with its events, what was answered 204 is gone."""
        other = {**self.hunt, "hunt": "other", "treasures": []}
        path, score = "/v1/hunts/other", b'{"kind":"score","player":1,"points":1}'
        for attempt in range(4):
            self.start()
            if self.engine.request("GET", path)[0] == 404:
                status, _, body = self.engine.request("POST", "/v1/hunts", as_request(other))
                check(status == 201, f"making a hunt again: {status} {body}")
            for _ in range(5):
                gone = []
                deleting = threading.Thread(
                    target=lambda: gone.append(self.engine.request("DELETE", path)))
                deleting.start()
                status = 409
                while status == 409:
                    status, _, body = self.engine.request("POST", "/v1/hunts", as_request(other))
                deleting.join()
                check(status == 201 and gone and gone[0][0] == 204,
                      f"a hunt deleted and made again: {status} {body}, {gone}")
                status, _, body = self.engine.request("POST", path + "/events", score)
                check(status == 200 and body["counts"]["applied"] == 1,
                      f"an event for a hunt made again while its forerunner was deleted: {status} {body}")
            self.stop()
            self.start()
            hunt = self.engine.get(path)["hunt"]
            check(hunt["events"] == 1, f"a hunt made again has lost its event: {hunt}")
            killer = threading.Timer(self.random.random() * 0.01, self.engine.kill)
            killer.start()
            status = None
            try:
                status = self.engine.request("DELETE", path)[0]
            except (OSError, http.client.HTTPException):
                pass
            killer.join()
            self.engine.close()
            is_there = os.path.exists(os.path.join(self.data, "hunts", "other"))
            check(not is_there or status is None, f"a deleted hunt is back: DELETE was answered {status}")
        self.start()
        if self.engine.request("GET", path)[0] == 200:
            status, _, body = self.engine.request("DELETE", path)
            check(status == 204, f"deleting after the crashes: {status} {body}")
        left = [name for name in os.listdir(self.data) if name not in ("hunts", "lock", "worlds")]
        here = {os.stat(os.path.join(self.data, "hunts", name, "world.vxw")).st_ino
                for name in os.listdir(os.path.join(self.data, "hunts"))}
        worlds = os.path.join(self.data, "worlds")
        left += [name for name in os.listdir(worlds)
                 if os.stat(os.path.join(worlds, name)).st_ino not in here]
        check(not left, f"left of deleted hunts: {left}")
        self.stop()

    # Reads

    def probe(self):
        """Reads the hunt, its scores, treasures and books; they are checked when the model gets there."""
        for path in ("", "/boards/all-time?limit=1000", "/treasures?limit=1000", "/books"):
            answer = self.engine.get(f"/v1/hunts/{NAME}{path}")
            check(answer["durable"] <= answer["offset"], f"GET {path}: durable beyond its end: {answer}")
            check(answer["offset"] >= self.durable_told, lambda: (
                f"GET {path}: offset {answer['offset']} is older than what was durable, "
                f"{self.durable_told}"))
            self.probes.setdefault(answer["offset"], []).append((path, answer))

    def check_probe(self, path, answer):
        model, at = self.model, f"GET {path} at offset {self.model.offset}"
        if path.startswith("/boards"):
            rows = sorted(
                ("name:" + row["player"] if isinstance(row["player"], str) else str(row["player"]),
                 row["score"]) for row in answer["rows"])
            # A player is on the board from the first points on.
            wanted = dict(model.board())
            for label, score in rows:
                check(wanted.pop(label, None) == score, f"{at}: {label} has {score}; {model.board()}")
            check(not any(wanted.values()), f"{at}: missing {wanted}")
        elif path.startswith("/treasures"):
            rows = [(row["id"], row["stock"], row["free"], row["claimed"], row["generation"],
                     row["state"]) for row in answer["treasures"]]
            check(rows == model.treasure_rows(), f"{at}: {rows}; should be {model.treasure_rows()}")
        elif path == "/books":
            rows = {row["producer"]: tuple(row[key] for key in BOOK_KEYS)
                    for row in answer["producers"]}
            rows = {producer: row for producer, row in rows.items() if row[0]}
            check(rows == model.book_rows(), f"{at}: {rows}; should be {model.book_rows()}")
            check(all(row["balanced"] for row in answer["producers"]), f"{at}: not balanced: {rows}")
        else:
            hunt = answer["hunt"]
            check(hunt["events"] == len(model.judged) and hunt["claims"] == sum(model.granted.values())
                  and hunt["players_ever"] == len(model.players) and hunt["time_ms"] == model.now,
                  f"{at}: {hunt}; should be {len(model.judged)} events, "
                  f"{sum(model.granted.values())} claims, {len(model.players)} players")

    # Backups

    def backup(self):
        """Starts a backup of the running engine; now and then it is killed before it is made."""
        base = os.path.join(os.path.dirname(self.data), "backup")
        shutil.rmtree(base, ignore_errors=True)
        durable = max([self.durable_told] + [one.durable_offset for one in self.ledgers.values()])
        self.backups.append((base, durable, subprocess.Popen(
            [self.options.binary, "backup", "--data", self.data, "--to", base, "--hunt", NAME, "--rate", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)))

    def check_backups(self):
        """What was backed up is a prefix of the journal; what was not finished is no backup."""
        for base, durable, process in self.backups:
            if self.random.random() < 0.2:
                process.kill()
            said = process.communicate(timeout=60)[0]
            is_made = os.path.exists(os.path.join(base, "backup"))
            check(is_made if process.returncode == 0 else process.returncode == -9 or not is_made,
                  f"backup: {process.returncode}: {said}")
            check(process.returncode in (0, -9), f"backup: {process.returncode}: {said}")
            data = os.path.join(os.path.dirname(self.data), "restored")
            shutil.rmtree(data, ignore_errors=True)
            status, out, error = run(self.options.binary, "restore", "--from", base, "--data", data)
            check((status == 0) == is_made, f"restore of {'a' if is_made else 'no'} backup: {status} {out}{error}")
            if is_made:
                copy = read_journal(os.path.join(data, "hunts", NAME, "journal"))
                check(durable <= copy.count <= self.count, (
                    f"the backup has {copy.count} entries; {durable} were durable, {self.count} are there"))
                check(copy.digest(copy.count) == self.journal.digest(copy.count),
                      "the backup's journal is not a prefix of the journal")
                self._verify(data)
                self.backup_count += 1
        self.backups = []

    # Unplay

    def preview(self):
        """Asks for the hunt without one player, and reads what is on that line."""
        player = self.random.randint(1, PLAYERS)
        status, _, body = self.engine.request(
            "POST", f"/v1/hunts/{NAME}/unplay?wait=true", json.dumps({"players": [player]}))
        check(status in (201, 202, 422, 429, 507), f"unplay of {player}: {status} {body}")
        if status != 201 or body["fork"]["state"] != "ready":
            return
        reads = {}
        for path in ("/boards/all-time?limit=1000", "/treasures?limit=1000"):
            reads[path] = self.engine.get(f"/v1/hunts/{NAME}{path}&fork={body['fork']['id']}")
        self.previews.append((player, reads))

    def check_previews(self):
        """The previews are what the model gets when it does not judge the player's events."""
        for player, reads in self.previews:
            offsets = {answer["offset"] for answer in reads.values()}
            check(len(offsets) == 1 and max(offsets) <= self.count, (
                f"unplay of {player}: read at {offsets}, the journal ends at {self.count}"))
            kept, self.model = self.model, Model(self.hunt)
            for offset in range(max(offsets)):
                entry = self.journal[offset]
                if entry[1] < 16 and Event.unpack(entry).player == player:
                    self.model.offset += 1
                else:
                    self.model.apply(entry)
            for path, answer in reads.items():
                self.check_probe(path, answer)
            self.model = kept
            self.preview_count += 1
        self.previews = []

    # After the end of a run

    def audit(self, is_graceful):
        """Reads the journal's files and holds everything that was said against them."""
        self.journal = journal = read_journal(os.path.join(self.folder, "journal"), self.count)
        told = max([self.durable_told] + [one.durable_offset for one in self.ledgers.values()])
        check(journal.count >= told, f"the journal ends at {journal.count}; durable was told to {told}")
        self.durable_told = told
        if self.digest is not None:
            check(journal.count >= self.count and journal.digest(self.count) == self.digest,
                  f"the journal's first {self.count} entries have changed")
        for offset in range(self.count, journal.count):
            for probe in self.probes.pop(offset, ()):
                self.check_probe(*probe)
            self._check_known(offset, journal[offset])
            self.model.apply(journal[offset])
        for probe in self.probes.pop(journal.count, ()):
            self.check_probe(*probe)
        check(not is_graceful or not self.probes,
              f"SIGTERM: reads were answered at {sorted(self.probes)}, the journal ends at {journal.count}")
        for offset, answers in self.probes.items():
            for path, answer in answers:
                check(answer["durable"] <= journal.count,
                      f"GET {path}: durable {answer['durable']}, the journal ends at {journal.count}")
        self.probes.clear()
        self.count, self.digest = journal.count, journal.digest(journal.count)
        for ledger in self.ledgers.values():
            self._check_told(ledger, is_graceful)
            self._check_books(ledger)
        for body in self.web.bodies:
            if body.is_atomic and not body.is_settled:
                there = [(ANONYMOUS, event.time) in self.model.places for event in body.events]
                check(not (body.is_refused_whole and any(there)),
                      f"part of an atomic body with a bad event was applied, key {body.key}")
                check(all(there) or not any(there), lambda: (
                    f"CUT IN TWO: {sum(there)} of the {len(there)} events of an atomic body stand in the "
                    f"journal, key {body.key}"))
                self.bodies_whole += any(there)
                self.bodies_absent += not any(there)

    def _check_known(self, offset, data):
        """A journalled event is one that somebody sent."""
        kind = data[1]
        if kind >= 16:
            return
        event = Event.unpack(data)
        ledger = self.ledgers.get(event.producer)
        check(ledger is not None, f"journal offset {offset}: nobody is producer {event.producer}")
        key = event.time if event.flags >> 15 else event.sequence
        check(key in ledger.contents and key not in ledger.forbidden,
              lambda: f"journal offset {offset}: nobody sent {event}")
        check(any(self._is_same(event, sent) for sent in ledger.contents[key]), lambda: (
            f"journal offset {offset}: {event} is not as sent: {ledger.contents[key]}"))

    def _is_same(self, event, sent):
        if isinstance(sent.player, str):
            # Whether it is the right name is checked when its outcome is.
            is_player = event.player > 1 << 63
        else:
            is_player = event.player == sent.player
        return is_player and (
            event.kind, event.x, event.y, event.z, event.treasure, event.value, event.flags & 3
        ) == (sent.kind, sent.x, sent.y, sent.z, sent.treasure, sent.value, sent.flags & 3)

    def _check_told(self, ledger, is_graceful):
        """Outcomes told in this run are those of the journal, as the model judges it."""
        for told in ledger.told:
            event, offset = told.event, told.offset
            here = Event.unpack(self.journal[offset]) if offset < self.journal.count else None
            is_here = here is not None and here.producer == ledger.producer and (
                (here.time == event.time) if here.flags >> 15 else here.sequence == event.sequence)
            if is_here and isinstance(event.player, str):
                check(self.model.names.get(here.player) == event.player.encode(),
                      f"journal offset {offset}: {here.player} is not {event.player}")
            if not is_here:
                check(not told.is_durable and not is_graceful, lambda: (
                    f"LOST: producer {ledger.producer}, {event} was told to be durable at offset "
                    f"{offset} of {self.journal.count}; {here} stands there"))
                continue
            wanted = self.model.judged[offset]
            check(told.result == wanted.result and told.points == wanted.points
                  and told.total == wanted.total
                  and wanted.stock_left in (None, told.stock_left), lambda: (
                      f"journal offset {offset}: told {told}; the journal gives {wanted}"))
        ledger.told.clear()
        for key, offset in ledger.settled.items():
            place = self.model.places.get((ledger.producer, key))
            check(place is not None and offset in (None, place), lambda: (
                f"LOST: producer {ledger.producer} key {key} was durable at {offset}; the journal has "
                f"it at {place}"))

    def _check_books(self, ledger):
        book, name = self.model.books[ledger.producer], f"books of producer {ledger.producer}"
        for disposition in Disposition:
            key = disposition.name.lower()
            least = ledger.durable[key]
            most = least + max(ledger.unsure["any"] if key in ("applied", "duplicate") else 0,
                               ledger.unsure[key])
            check(least <= book[key] <= most, lambda: (
                f"{name}: {key} is {book[key]}, should be {least}...{most}"))
        check(book["received"] <= ledger.sent,
              f"{name}: received {book['received']} of {ledger.sent} sent")
        check(book["received"] == sum(book[one.name.lower()] for one in Disposition),
              f"{name}: not balanced: {dict(book)}")

    # After a restart

    def reconcile(self, number, everything=False):
        """Sends again what is not settled, and some or all of what is; each is what the journal says."""
        for sender in self.streams:
            ledger = sender.ledger
            welcome = sender.connect(self.engine.stream_port, number)
            high = self.model.high[ledger.producer]
            check(welcome.high_sequence == high and high >= ledger.high_settled, lambda: (
                f"{sender.name}: welcome says {welcome.high_sequence}, the journal {high}, durable was "
                f"{ledger.high_settled}"))
            check(welcome.offset >= self.count,
                  f"{sender.name}: welcome at {welcome.offset} of {self.count}")
            keys = self._keys_again(ledger, everything)
            self._expect(ledger, keys)
            lines = [Line(self.random.choice(ledger.contents[key]), None) for key in keys]
            at, batches = 0, []
            while at < len(lines):
                size = 512 if everything else self.random.choice((1, 7, 100, 512))
                batches.append(lines[at:at + size])
                at += size
            sender.settle_all(batches)
            sender.close()
            ledger.expected = {}
            for key in [key for key in ledger.open if (ledger.producer, key) in self.model.places]:
                ledger.settle(key, None)
        web = self.web
        web.run = number
        bodies = [body for body in web.bodies if everything or not body.is_settled]
        if not everything:
            settled = [body for body in web.bodies if body.is_settled]
            bodies += self.random.sample(settled, min(5, len(settled)))
        for ledger in web.ledgers:
            self._expect(ledger, ledger.contents)
        # A body may be meant twice; what it holds is new the first time only.
        web.settle_all(self.engine, bodies)
        for ledger in web.ledgers:
            ledger.expected = {}

    def _keys_again(self, ledger, everything):
        if everything:
            return list(ledger.contents)
        settled = self.random.sample(list(ledger.settled), min(100, len(ledger.settled)))
        keys = list(ledger.open) + settled
        if self.random.random() < 0.5:
            self.random.shuffle(keys)
        return keys

    def _expect(self, ledger, keys):
        ledger.expected = {
            key: Disposition.DUPLICATE if (ledger.producer, key) in self.model.places
            else Disposition.APPLIED for key in keys}

    # Rounds

    def round(self, number, moment):
        options, pick = self.options, self.random
        early = self._kill_early() if moment == "start" else 0
        self.start()
        self.probe()
        self.reconcile(number)
        self.probe()
        ready_ms = int(self.engine.ready_seconds * 1000)
        for sender in self.streams:
            sender.connect(self.engine.stream_port, number)
        for sender in self.streams + [self.web]:
            sender.start(self.engine, 0.002 if sender is not self.web else 0.02)
        began = time.monotonic()
        self._wait_for(moment, began, options.seconds_per_round)
        if moment == "idle":
            self._finish()
            self.probe()
            time.sleep(pick.random() * 0.4)
        lasted = time.monotonic() - began
        self.stop("term" if moment == "term" else "kill")
        if moment != "idle":
            self._finish()
        before = self.count
        self.audit(is_graceful=moment == "term")
        self.check_backups()
        self.check_previews()
        said = self.damages(number) if options.damages else ""
        print(f"round {number} {moment}: {'' if not early else f'{early} early kills, '}"
              f"ready in {ready_ms} ms, ended after {lasted:.2f} s, "
              f"{self.count - before} entries more, {self.count} in {len(self.journal.frames)} frames "
              f"and {len(self.journal.segments)} segments: kept{said}", flush=True)

    def _finish(self):
        for sender in self.streams + [self.web]:
            sender.finish()
        for sender in self.streams + [self.web]:
            if sender.error is not None:
                raise sender.error

    def _kill_early(self):
        times = self.random.randint(2, 4)
        for _ in range(times):
            engine = self.engine = self._engine(self.flags).launch()
            time.sleep(self.random.random() * 0.12)
            check(engine.process.poll() is None, lambda: (
                f"start-up ended with {engine.process.returncode}: {engine.said()}"))
            engine.kill()
            engine.close()
        return times

    def _wait_for(self, moment, began, seconds):
        """Until the moment of the kill, with some reads on the way."""
        pick = self.random
        until = began + seconds * (0.1 + 0.9 * pick.random())
        folder = os.path.join(self.folder, "journal")
        if moment == "roll":
            until = began + 4 * seconds
        files = set(os.listdir(folder))
        backup_at = began + pick.random() * (until - began) * 0.5 if pick.random() < 0.8 else None
        if self.power is not None:
            backup_at = None
        probes = sorted(began + pick.random() * seconds for _ in range(2))
        preview_at = began + pick.random() * (until - began) if pick.random() < 0.6 else None
        while time.monotonic() < until:
            self.engine.check_alive()
            if probes and time.monotonic() > probes[0]:
                probes.pop(0)
                self.probe()
            if backup_at is not None and time.monotonic() > backup_at:
                backup_at = None
                self.backup()
            if preview_at is not None and time.monotonic() > preview_at:
                preview_at = None
                self.preview()
            if moment == "roll" and set(os.listdir(folder)) != files and pick.random() < 0.3:
                time.sleep(pick.random() * 0.004)
                return
            time.sleep(0.001 if moment == "roll" else 0.01)

    # Damage

    def damages(self, number) -> str:
        """Damages some copies of the folder, and sees what the engine says to them."""
        said = []
        for _ in range(self.options.damages):
            for _ in range(len(self.ways)):
                way = self.ways.pop(0)
                self.ways.append(way)
                if self._damage(way):
                    said.append(way)
                    break
        return "; damage: " + ", ".join(said)

    def _damage(self, way) -> bool:
        base = os.path.join(os.path.dirname(self.data), "damaged")
        shutil.rmtree(base, ignore_errors=True)
        copy = os.path.join(base, "data")
        shutil.copytree(self.data, copy)
        hunt = os.path.join(copy, "hunts", NAME)
        done = damage(way, hunt, self.journal, self.random)
        if done is None:
            return False
        progress(f"damage {way}: {done.text}")
        if done.recovers is None:
            self._expect_refusal(copy, done)
        else:
            self._expect_recovery(copy, hunt, done)
        shutil.rmtree(base)
        return True

    def _expect_refusal(self, copy, done):
        engine = Engine(self.options.binary, copy, self.flags).launch()
        try:
            check(not engine.wait_ready(), f"{done.text}: the engine serves it as if nothing were wrong")
            status, said = engine.process.returncode, engine.said()
        finally:
            engine.close()
        check(status == 3, f"{done.text}: status {status}, should be 3: {said}")
        for name in done.names:
            check(name in said, f"{done.text}: the refusal does not say {name}: {said}")

    def _expect_recovery(self, copy, hunt, done):
        status, out, error = run(self.options.binary, "inspect", "journal", "--data", copy)
        check(status == 0 and f"entries   {done.recovers}\n" in out,
              f"{done.text}: {done.recovers} entries should be left: {status} {out}{error}")
        # Twice: what the first start repaired or wrote must not look damaged to the next.
        for _ in range(2):
            engine = Engine(self.options.binary, copy, self.flags).launch()
            try:
                check(engine.wait_ready(), lambda: (
                    f"{done.text}: should be recovered as a torn write: {engine.said()}"))
                body = b'{"kind":"score","player":1,"points":1}\n' * 40
                for _ in range(3):
                    status, _, form = engine.request("POST", f"/v1/hunts/{NAME}/events", body)
                    check(status == 200 and form["counts"]["applied"] == 40, f"{done.text}: {form}")
                check(form["offset"] > done.recovers, f"{done.text}: {form['offset']}")
            finally:
                engine.close()
        if done.remains:
            status, out, error = self._replay(copy)
            is_there = any(os.path.exists(path) for path in done.remains)
            check(status == (1 if is_there else 0),
                  f"{done.text}: replay --verify ended with {status}: {out}{error}")
            for path in done.remains:
                if os.path.exists(path):
                    check(path in out, f"{done.text}: replay --verify does not name {path}: {out}")
                    os.unlink(path)
        self._verify(copy, done.text + ": ")

    def _replay(self, data):
        return run(
            self.options.binary, "replay", "--data", data, "--verify", "--digest-every", "1000")

    def _verify(self, data, said=""):
        status, out, error = self._replay(data)
        check(status == 0, f"{said}replay --verify ended with {status}: {out}{error}")
        return out

    # The end

    def finish(self, number):
        """Everything again: all of it is a duplicate, and nothing changes."""
        self.start()
        self.reconcile(number)
        self.stop("term")
        self.audit(is_graceful=True)
        self.start()
        self.reconcile(number + 1, everything=True)
        self.probe()
        self.stop("term")
        applied = len(self.model.judged)
        self.audit(is_graceful=True)
        check(len(self.model.judged) == applied, "resending everything applied something again")
        for ledger in self.ledgers.values():
            count = self.model.books[ledger.producer]["applied"]
            check(count == len(ledger.contents), (
                f"producer {ledger.producer}: {count} applied of {len(ledger.contents)} distinct events"))
        status, out, error = run(self.options.binary, "inspect", "journal", "--data", self.data)
        check(status == 0 and f"entries   {self.count}\n" in out,
              f"inspect journal: {status}, not {self.count} entries: {out}{error}")
        self._verify(self.data)


def parse():
    parser = argparse.ArgumentParser(
        description="Kills the engine again and again, and checks that it kept every promise.")
    parser.add_argument("--binary", required=True, help="the veltrix executable")
    parser.add_argument("--rounds", type=int, default=3, help="1...10000, default 3")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule, default 1")
    parser.add_argument("--data", help="empty or missing folder to work in, kept; default a temporary one")
    parser.add_argument("--seconds-per-round", type=float, default=1.0,
                        help="longest load before a kill, 0.05...60 s, default 1")
    parser.add_argument("--durability", choices=("batch", "interval", "os"), default="batch",
                        help="of the engine, default batch")
    parser.add_argument("--damages", type=int, default=2,
                        help="copies of the folder damaged after each round, 0...11, default 2")
    parser.add_argument("--power", action="store_true",
                        help="each end is a power cut: what was not flushed is gone")
    options = parser.parse_args()
    if options.power and options.durability == "os":
        parser.error("--durability os promises nothing when the power is cut")
    if not (1 <= options.rounds <= 10_000 and 0.05 <= options.seconds_per_round <= 60
            and 0 <= options.damages <= len(WAYS) and os.access(options.binary, os.X_OK)):
        parser.error("a value is out of range, or --binary cannot be run")
    if options.data and os.path.exists(options.data) and os.listdir(options.data):
        parser.error(f"--data {options.data}: not empty")
    return options


def main():
    options = parse()
    base = options.data or tempfile.mkdtemp(prefix="veltrix-crash-")
    os.makedirs(base, exist_ok=True)
    began = time.monotonic()
    campaign = Campaign(options, os.path.join(base, "data"))
    number = 0
    try:
        campaign.create()
        campaign.replace()
        moments = []
        for number in range(1, options.rounds + 1):
            if not moments:
                moments = list(MOMENTS)
                if number > 1:
                    campaign.random.shuffle(moments)
            campaign.round(number, moments.pop(0))
        campaign.finish(number + 1)
    except Exception as error:
        if not isinstance(error, Violation):
            traceback.print_exc()
        print(f"crash: FAILED in round {number}, seed {options.seed}: {error}\ncrash: kept {base}",
              flush=True)
        if campaign.engine is not None:
            campaign.engine.close()
        return 1
    sent = sum(ledger.sent for ledger in campaign.ledgers.values())
    print(f"crash: {options.rounds} rounds, seed {options.seed}: {sent} events sent, "
          f"{len(campaign.model.judged)} applied, {sum(campaign.model.granted.values())} claims granted, "
          f"{campaign.count} journal entries, {campaign.model.digests} digests, "
          f"{campaign.backup_count} backups restored, {campaign.preview_count} previews checked, "
          f"of unanswered atomic bodies {campaign.bodies_whole} found whole and {campaign.bodies_absent} absent, "
          + ("" if campaign.power is None else f"{campaign.power.cuts} power cuts took "
             + ", ".join(f"{count} {kind}" for kind, count in sorted(campaign.power.undone.items())) + ", ")
          + f"{time.monotonic() - began:.0f} s: every promise kept")
    if not options.data:
        shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
