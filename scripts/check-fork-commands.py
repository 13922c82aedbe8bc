#!/usr/bin/env python3
"""Checks the commands fork, diff, unplay, rollback and promote against a running engine.

usage: check-fork-commands.py VELTRIX

  VELTRIX   the program; it is started on a data folder of its own

Runs every command with tables and with --json, with good and with bad input, and compares results
and exit codes with what a few lines of rules say. Standard library only. Exits 0 when nothing
failed, 1 otherwise. Does not verify the engine's judgement of forks (check-forks.py does), speed,
nor progress on a terminal.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import checking
from checking import Checks, play, scores, small_hunt

check = Checks()


class Engine(checking.Engine):
    """An engine, and the commands that are run against it."""

    def run(self, command, *flags, hunt="forks", target=None):
        """Exit code, stdout and stderr of a command against this engine."""
        line = [self.program, command, "--target", target or f"http://{self.http}"]
        if hunt is not None:
            line += ["--hunt", hunt]
        done = subprocess.run(line + list(flags), capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def json(self, command, *flags):
        status, out, error = self.run(command, *flags, "--json")
        try:
            return status, json.loads(out)
        except ValueError:
            return status, {"out": out, "error": error}


def cells(out, part):
    """The rows of one part's table, as lists of words two spaces apart."""
    lines = out.split("\n")
    if part not in lines:
        return None
    rows = []
    for line in lines[lines.index(part) + 2:]:
        if not line.startswith("  "):
            break
        rows.append(re.split(r"  +", line.strip()))
    return rows


def main():
    program = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="check-fork-commands-")
    engine = Engine(program, folder + "/data").start()
    try:
        bad_usage(engine, folder)
        run(engine, folder)
        by_name(engine, folder)
        many(engine)
        refused(engine)
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
    return check.status()


def bad_usage(engine, folder):
    """Whatever is wrong with a line is named, before any engine is asked."""
    broken, events = folder + "/broken", folder + "/events"
    for path, text in [(broken, "a: [1"), (events, '{"kind":"score"}\n[1]\n')]:
        with open(path, "w") as file:
            file.write(text)
    good = "0" * 32
    for command, flags, words in [
            ("fork", ["--at", "yesterday"], ["--at", "yesterday", "journal offset"]),
            ("fork", ["--omit-kinds", "move,clam"], ["--omit-kinds", "clam", "claim?"]),
            ("fork", ["--omit-players", "7,,8"], ["--omit-players", "empty"]),
            ("fork", ["--omit-producers", "x"], ["--omit-producers", "x", "whole"]),
            ("fork", ["--omit-events", "-1"], ["--omit-events", "-1", "whole"]),
            ("fork", ["--from", "-1"], ["--from", "-1"]),
            ("fork", ["--rules-from", "3"], ["--rules-from", "--rules"]),
            ("fork", ["--rules", folder + "/none"], ["--rules", "/none"]),
            ("fork", ["--rules", broken], ["--rules", broken + ":"]),
            ("fork", ["--append", broken], ["--append", broken + ":"]),
            ("fork", ["--append", events], ["--append", events + ":2"]),
            ("fork", ["--list", "--show", "1"], ["--list", "--show"]),
            ("fork", ["--show", "0"], ["--show", "0"]),
            ("fork", ["--delete", "first"], ["--delete", "first"]),
            ("fork", ["--list", "--at", "3"], ["--at"]),
            ("fork", ["--what", "3"], ["--what"]),
            ("fork", ["three"], ["three"]),
            ("fork", ["--at"], ["--at", "value"]),
            ("diff", [], ["--fork", "required"]),
            ("diff", ["--fork", "x"], ["--fork", "x"]),
            ("diff", ["--fork", "1", "--against", "it"], ["--against", "it", "main"]),
            ("diff", ["--fork", "1", "--against", "1"], ["--against", "same"]),
            ("diff", ["--fork", "1", "--parts", "prizes,player"], ["--parts", "players?"]),
            ("diff", ["--fork", "1", "--limit", "100001"], ["--limit", "above 100000"]),
            ("promote", ["--fork", "1"], ["--digest", "required"]),
            ("promote", ["--digest", good], ["--fork", "required"]),
            ("promote", ["--fork", "1", "--digest", good[1:]], ["--digest", "32"]),
            ("promote", ["--fork", "1", "--digest", good[1:] + "G"], ["--digest", "32"]),
            ("rollback", [], ["--to", "required"]),
            ("rollback", ["--to", "now"], ["--to", "now"]),
            ("unplay", [], ["--players"]),
            ("unplay", ["--from", "3"], ["--players"]),
            ("unplay", ["--players", "7", "--to", "x"], ["--to", "x"])]:
        status, out, error = engine.run(command, *flags)
        check(f"usage: {command} {' '.join(flags)}",
              status == 2 and out == "" and error.startswith(f"veltrix {command}: ")
              and error.count("\n") == 1 and all(word in error for word in words),
              (status, out, error))
    for command in ["fork", "diff", "promote", "rollback", "unplay"]:
        status, _, error = engine.run(command, hunt=None)
        check(f"{command} wants a hunt", status == 2 and "--hunt: required" in error, error)
        status, _, error = engine.run(command, hunt="../metrics")
        check(f"{command} wants a hunt's name", status == 2 and "--hunt" in error, error)
        status, _, error = engine.run(command, target="http://192.0.2.1:7400")
        check(f"{command} wants loopback", status == 2 and "--target" in error, error)


def run(engine, folder):
    status, _ = engine.call("POST", "", small_hunt("forks"))
    check("a hunt is made", status == 201)
    middle = play(engine, "forks", [(7, 1), (8, 1), (9, 2), (7, 2), (8, 2), (10, 2), (7, 3)])
    play(engine, "forks", [(11, 3), ("anna", 3)])
    before = {7: 1060, 8: 50 - 50, 9: 50, 11: 10, "anna": 10}
    before = {player: score for player, score in before.items() if score}
    check("scores are what the rules say", scores(engine, "forks") == before, scores(engine, "forks"))

    # Forks as a person sees them.
    status, out, error = engine.run("fork", "--at", str(middle))
    check("fork says what it made", status == 0 and out.startswith("fork 1 of forks\n")
          and "state     ready" in out and error == "", (status, out, error))
    digest = re.search(r"digest    ([0-9a-f]{32})\n", out)
    check("and how to promote it", digest and re.search(
        rf"promote   veltrix promote --hunt forks --target http://{engine.http} --fork 1 "
        rf"--digest {digest[1]}\n", out), out)
    check("the fork is the hunt of then",
          scores(engine, "forks", "&fork=1") == {7: 1060, 9: 50}, scores(engine, "forks", "&fork=1"))
    status, shown, _ = engine.run("fork", "--show", "1")
    check("show says the same", status == 0 and shown == out, shown)
    status, answer = engine.json("fork", "--show", "1")
    check("and so for programs", status == 0 and answer["fork"]["digest"] == digest[1]
          and answer["fork"]["offset"] == middle and answer["fork"]["state"] == "ready", answer)

    status, answer = engine.json("diff", "--fork", "1")
    check("who came later is named", {row["player"] for row in answer["players"]} == {11, "anna"}
          and "anna" in [row["last_winner"][0] for row in answer["treasures"]], answer)

    # What if.
    events, rules = folder + "/added.json", folder + "/rules.yaml"
    with open(events, "w") as file:
        file.write('{"kind":"score","player":11,"value":7}\n\n{"kind": "score", "player": 12, '
                   '"value": -3}\n')
    with open(rules, "w") as file:
        file.write("claims_per_player: 0\n")
    status, answer = engine.json("fork", "--append", events, "--rules", rules, "--rules-from", "0",
                                 "--omit-players", "9,name:anna")
    number = answer.get("fork", {}).get("id")
    check("fork with events, rules and omissions", status == 0
          and scores(engine, "forks", f"&fork={number}").get(11) == 17
          and scores(engine, "forks", f"&fork={number}").get(12) == -3
          and not {9, "anna"} & set(scores(engine, "forks", f"&fork={number}")), answer)
    with open(events, "w") as file:
        file.write('[{"kind":"score","player":11,"value":7}]')
    status, answer = engine.json("fork", "--append", events, "--omit-kinds", "claim")
    number = answer.get("fork", {}).get("id")
    check("fork with a list of events", status == 0
          and scores(engine, "forks", f"&fork={number}") == {11: 7}, answer)
    status, answer = engine.json("fork", "--omit-events", str(middle - 1), "--omit-producers", "0")
    check("fork without single events", status == 0, answer)
    status, out, _ = engine.run("fork", "--list")
    check("list names all",
          status == 0 and out.startswith("forks: 4 forks, 0 promoted before"), out)
    status, answer = engine.json("fork", "--list")
    check("and so for programs", [fork["id"] for fork in answer["forks"]] == [1, 2, 3, 4], answer)
    status, out, _ = engine.run("fork", "--delete", "4")
    check("delete says so", status == 0 and "fork 4" in out, out)
    check("delete for programs", engine.json("fork", "--delete", "3") == (0, {"deleted": 3}))
    status, answer = engine.json("fork", "--list")
    check("deleted forks are gone", [fork["id"] for fork in answer["forks"]] == [1, 2], answer)

    # Unplay: the difference, and nothing changed.
    status, out, error = engine.run("unplay", "--players", "7")
    check("unplay previews", status == 0 and "nothing is changed yet" in out and error == "", error)
    check("counts come first", re.search(
        r"differ    2 players, 3 treasures, 5 prizes, 0 edges\n", out), out)
    check("then who gains and who loses", cells(out, "players") == [
        ["8", "+1,050", "0 -> 1,050", "none -> 1", "0 -> 2"],
        ["7", "-1,060", "1,060 -> none", "1 -> none", "3 -> none"]], out)
    check("prizes have an old and a new winner", cells(out, "prizes") == [
        ["1", "7", "8"], ["2", "7", "8"], ["3", "7", "nobody"]], out)
    check("and treasures", cells(out, "treasures")[2] == [
        "3", "open", "9,997 -> 9,998", "3 -> 2", "anna"], out)
    check("the hunt is as it was", scores(engine, "forks") == before)
    promote = re.search(r"veltrix (promote .*)\n", out)[1].split()
    number = promote[promote.index("--fork") + 1]
    status, answer = engine.json("diff", "--fork", number)
    check("diff says the same", status == 0 and answer["complete"]
          and answer["counts"]["players"] == len(answer["players"]), answer)
    raw = engine.call("GET", f"/forks/forks/{number}/diff?limit=1000")[1]
    check("in the engine's words", all(answer[part] == raw[part] for part in answer["counts"]), raw)
    status, answer = engine.json("diff", "--fork", number, "--parts", "prizes", "--limit", "1")
    check("some of it", status == 0 and len(answer["prizes"]) == 1 and not answer["complete"]
          and "players" not in answer, answer)
    status, out, _ = engine.run("diff", "--fork", number, "--limit", "0")
    check("counts alone", status == 0 and len(out.split("\n")) == 4, out)
    status, out, _ = engine.run("diff", "--fork", number, "--against", "1")
    check("against another fork", status == 0 and f"fork {number} against fork 1" in out, out)

    # Promotion wants what was seen.
    status, out, error = engine.run("promote", "--fork", number, "--digest", "0" * 32)
    check("a stale digest is refused", status == 1 and "stale" in error and out == "", error)
    play(engine, "forks", [(13, 3)])
    done = subprocess.run([engine.program] + promote, capture_output=True, text=True)
    check("the printed line promotes", done.returncode == 0
          and f"fork {number} is forks now" in done.stdout, done)
    after = {8: 1050, 9: 50, 11: 10, "anna": 10, 13: 10}
    check("and others' play is judged again", scores(engine, "forks") == after, scores(engine, "forks"))
    status, out, _ = engine.run("fork", "--list")
    check("the list tells of it",
          "1 promoted before" in out and "promotion 1 at offset" in out, out)
    status, _, error = engine.run("promote", "--fork", "1", "--digest", digest[1])
    check("a fork of the line before is refused", status == 1 and "stale" in error, error)

    # Rollback, at once.
    place = play(engine, "forks", [(14, 3)])
    play(engine, "forks", [(15, 3), (16, 3)])
    after[14] = 10
    status, answer = engine.json("rollback", "--to", str(place))
    check("rollback previews", status == 0 and answer["fork"]["state"] == "ready"
          and {row["player"] for row in answer["difference"]["players"]} == {15, 16}, answer)
    check("while the hunt is as it was", 15 in scores(engine, "forks"))
    status, out, _ = engine.run("rollback", "--to", str(place), "--promote")
    check("rollback promotes", status == 0 and "is forks now, from offset" in out
          and "nothing is changed" not in out, out)
    check("as if it had never been", scores(engine, "forks") == after, scores(engine, "forks"))
    status, answer = engine.json("unplay", "--players", "name:anna,13", "--from", "0", "--promote")
    check("unplay promotes", status == 0 and answer["fork"]["state"] == "promoted"
          and answer["difference"]["counts"]["players"] == 2, answer)
    del after["anna"], after[13]
    check("and they are gone", scores(engine, "forks") == after, scores(engine, "forks"))


def by_name(engine, folder):
    """Events are added of players as anybody names them."""
    events = folder + "/named.json"
    with open(events, "w") as file:
        file.write('{"kind":"score","player":"anna","value":5}\n')
    before = scores(engine, "forks").get("anna", 0)
    status, answer = engine.json("fork", "--append", events)
    number = answer.get("fork", {}).get("id")
    check("fork with an event of a player by name", status == 0
          and scores(engine, "forks", f"&fork={number}").get("anna") == before + 5, answer)
    with open(events, "w") as file:
        file.write('{"kind":"score","player":11,"value":5}\n'
                   '{"kind":"score","player":"nobody","value":5}\n')
    status, _, error = engine.run("fork", "--append", events)
    engine.json("fork", "--delete", str(number))
    check("an event of a player that nobody knows is named", status != 0 and "nobody" in error, error)


def many(engine):
    """A difference longer than a page."""
    players = range(1_000, 3_500)
    _, answer = engine.call("GET", "/forks")
    place = answer["offset"]
    play(engine, "forks", [(player, 3) for player in players])
    engine.call("POST", "/forks/events", [
        {"kind": "score", "player": player, "value": player} for player in (3_000, 3_400)])
    status, answer = engine.json(
        "unplay", "--kinds", "claim,score", "--from", str(place),
        "--parts", "players", "--limit", "2400")
    check("rows come in pages", status == 0 and len(answer["difference"]["players"]) == 2_400
          and answer["difference"]["counts"]["players"] == 2_500
          and len({row["player"] for row in answer["difference"]["players"]}) == 2_400
          and not answer["difference"]["complete"], answer.get("error"))
    number = str(answer["fork"]["id"])
    status, out, _ = engine.run("diff", "--fork", number, "--limit", "3")
    check("few of many say so", status == 0 and
          "  3 of 2,500 that differ, the largest changes of the first 1,000; --limit" in out, out)
    status, out, _ = engine.run("diff", "--fork", number, "--limit", "2500", "--parts", "players")
    rows = cells(out, "players")
    check("of all, who lost most is last", len(rows) == 2_500
          and [row[0] for row in rows[-2:]] == ["3000", "3400"], rows[-2:])


def refused(engine):
    """What the engine refuses is said, with its code, and nothing is left of it."""
    _, before = engine.json("fork", "--list")
    status, out, error = engine.run("fork", "--at", str(1 << 40))
    check("a place behind the end", status == 1 and "at: " in error and "end" in error, error)
    status, out, error = engine.run("unplay", "--players", "nobody")
    check("an unknown player", status == 1 and '"nobody"' in error and out == "", error)
    _, after = engine.json("fork", "--list")
    check("leave no fork behind", len(after["forks"]) == len(before["forks"]), after)
    for command, flags in [("fork", ["--show", "9999"]), ("fork", ["--delete", "9999"]),
                           ("diff", ["--fork", "9999"]),
                           ("promote", ["--fork", "9999", "--digest", "0" * 32])]:
        status, out, error = engine.run(command, *flags)
        check(f"{command} {flags[0]} of no fork",
              status == 1 and "9999" in error and "unknown_fork" in error, error)
    status, _, error = engine.run("fork", "--list", hunt="elsewhere")
    check("an unknown hunt",
          status == 1 and "elsewhere" in error and "unknown_hunt" in error, error)
    status, _, error = engine.run("fork", "--list", target="http://127.0.0.1:1")
    check("no engine", status == 1 and "127.0.0.1:1" in error, error)


if __name__ == "__main__":
    sys.exit(main())
