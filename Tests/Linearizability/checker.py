#!/usr/bin/env python3
"""Checks recorded histories of treasures for linearizability.

    checker.py FILE...          histories as docs/formats/history.md describes them

Each treasure is an object of its own: bounded stock, at most one prize a player a generation. Its history
is linearizable when every operation can be given one instant between its invocation and its answer, so that
the answers are those of the rules applied one operation after the other in the order of these instants. An
operation whose outcome nobody knows may have happened at any time after its invocation, or never.

The search is that of Wing and Gong with Lowe's memory of configurations (set of operations done, state of
the treasure). Operations that change nothing are taken as soon as they fit, which loses no solution.

Written apart from the engine: standard library only, nothing of the project is imported.

Not checked: scores, ranks, hints, boards; order between treasures; anything about time but which of two
operations ended before the other began.

Exit: 0 linearizable, 1 not, or the file is no history, 2 bad usage.
"""

from __future__ import annotations

import json
import sys
from typing import Dict, Iterable, List, NamedTuple, Optional

#: When an operation that was never answered ends.
NEVER = float("inf")
OPERATIONS = ("spawn", "despawn", "claim", "read", "seen")


class BadHistory(Exception):
    """The lines are no history; the text says which line."""


class Operation(NamedTuple):
    """One operation of a treasure; `began` and `ended` are positions of lines in the history."""

    process: int
    name: str
    value: dict
    #: What was answered; None when nobody knows, or knows only that it happened.
    result: Optional[dict]
    began: float
    ended: float

    @property
    def is_open(self):
        return self.ended == NEVER

    def __str__(self):
        answer = "no answer" if self.is_open else (
            "happened" if self.result is None else json.dumps(self.result))
        until = "..." if self.is_open else f"...{self.ended}"
        return (f"line {self.began}{until} process {self.process} {self.name} "
                f"{json.dumps(self.value)}: {answer}")


class State(NamedTuple):
    """A treasure; `stock` None while it does not exist."""

    stock: Optional[int] = None
    winners: frozenset = frozenset()

    @property
    def free(self):
        return self.stock - len(self.winners)


def judge(state: State, operation: Operation):
    """The rules: what the operation is answered in this state, and the state behind it."""
    name, value = operation.name, operation.value
    if name == "spawn":
        if state.stock is not None:
            return {"result": "treasure_exists"}, state
        return {"result": "ok"}, State(value["stock"])
    if name == "despawn":
        if state.stock is None:
            return {"result": "unknown_treasure"}, state
        return {"result": "ok"}, State()
    if name == "claim":
        if state.stock is None:
            return {"result": "unknown_treasure"}, state
        if state.free == 0:
            return {"result": "no_stock", "left": 0}, state
        if value["player"] in state.winners:
            return {"result": "already_claimed"}, state
        after = State(state.stock, state.winners | {value["player"]})
        return {"result": "ok", "left": after.free}, after
    if name == "read":
        if state.stock is None:
            return {"exists": False}, state
        return {"exists": True, "free": state.free, "claimed": len(state.winners)}, state
    # seen: a viewer was told that the player has one.
    return {"won": value["player"] in state.winners}, state


def fits(state: State, operation: Operation) -> Optional[State]:
    """The state after the operation; None when its answer is not that of the rules here."""
    answer, after = judge(state, operation)
    return after if operation.result in (None, answer) else None


class Verdict(NamedTuple):
    is_linearizable: bool
    #: Operations in an order that explains as many as any that was tried.
    order: List[Operation]
    #: Answered operations that this order leaves over.
    left: List[Operation]
    #: Configurations visited.
    visited: int


def check(operations: Iterable[Operation], start: State = State()) -> Verdict:
    """Whether one treasure's operations are linearizable, from `start` on."""
    # Answered first, in the order of their ends: the likeliest order of their instants.
    all_of = sorted(operations, key=lambda one: (one.ended, one.began))
    answered = sum(not one.is_open for one in all_of)
    goal = (1 << answered) - 1
    seen = set()
    best: List[int] = []
    stack = [(0, start, ())]
    while stack:
        done, state, order = stack.pop()
        done, order = _take_harmless(all_of, answered, done, state, order)
        if len(_list(order)) > len(best):
            best = _list(order)
        if done & goal == goal:
            return Verdict(True, [all_of[at] for at in _list(order)], [], len(seen))
        if (done, state) in seen:
            continue
        seen.add((done, state))
        # The last one pushed is tried first.
        for at in reversed(_candidates(all_of, answered, done)):
            after = fits(state, all_of[at])
            if after is not None and not (all_of[at].is_open and after == state):
                stack.append((done | 1 << at, after, (order, at)))
    left = [one for at, one in enumerate(all_of) if at not in best and not one.is_open]
    return Verdict(False, [all_of[at] for at in best], left, len(seen))


def _take_harmless(all_of, answered, done, state, order):
    """Takes operations whose answer fits and that change nothing, until none is left."""
    while True:
        for at in _candidates(all_of, answered, done):
            one = all_of[at]
            if one.result is not None and fits(state, one) == state:
                done |= 1 << at
                order = (order, at)
                break
        else:
            return done, order


def _candidates(all_of, answered, done) -> List[int]:
    """Operations that may come next: begun before any that is not done yet has ended."""
    until = NEVER
    found = []
    for at, one in enumerate(all_of):
        if at < answered:
            if one.began > until and one.ended > until:
                continue
            if not done >> at & 1:
                until = min(until, one.ended)
                found.append(at)
        elif not done >> at & 1:
            found.append(at)
    return [at for at in found if all_of[at].began < until]


def _list(order) -> List[int]:
    found = []
    while order:
        order, at = order
        found.append(at)
    return found[::-1]


# The format


def read(lines: Iterable[str]) -> Dict[int, List[Operation]]:
    """The operations of each treasure in a history."""
    under_way: Dict[int, tuple] = {}
    ended = set()
    found: Dict[int, List[Operation]] = {}
    time = -1

    def need(holds, text):
        if not holds:
            raise BadHistory(f"line {number}: {text}")

    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
            process, kind, name = line["process"], line["type"], line["operation"]
            treasure, value, at = line["treasure"], line["value"], line["time"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadHistory(f"line {number}: {error!r}") from None
        need(name in OPERATIONS, f"no such operation: {name}")
        need(at >= time, f"time {at} after {time}")
        time = at
        if kind == "invoke":
            need(process not in under_way, f"process {process} has an operation under way")
            need(process not in ended, f"process {process} ended with an unknown outcome")
            under_way[process] = (name, treasure, value, number)
            continue
        need(kind in ("ok", "fail", "info"), f"no such type: {kind}")
        need(process in under_way, f"process {process} has no operation under way")
        begun = under_way.pop(process)
        need(begun[:2] == (name, treasure), f"process {process} began {begun[0]} of {begun[1]}")
        if kind == "info":
            ended.add(process)
        if kind != "fail":
            found.setdefault(treasure, []).append(Operation(
                process, name, begun[2], value if kind == "ok" else None, begun[3],
                number if kind == "ok" else NEVER))
    for process, (name, treasure, value, number) in under_way.items():
        found.setdefault(treasure, []).append(
            Operation(process, name, value, None, number, NEVER))
    return found


def report(treasures: Dict[int, List[Operation]], say=print) -> bool:
    """Checks all treasures; says what is wrong with the first few that are not linearizable."""
    bad, visited = [], 0
    for treasure, operations in sorted(treasures.items()):
        verdict = check(operations)
        visited += verdict.visited
        if not verdict.is_linearizable:
            bad.append((treasure, verdict))
    for treasure, verdict in bad[:5]:
        say(f"treasure {treasure} is NOT linearizable. In an order that goes farthest:")
        for one in verdict.order[-12:]:
            say(f"  {one}")
        say("and then none of these fits:")
        for one in verdict.left[:12]:
            say(f"  {one}")
    every = [one for operations in treasures.values() for one in operations]
    open_count = sum(one.is_open for one in every)
    say(f"{len(treasures)} treasures, {len(every)} operations, {open_count} without a known outcome, "
        f"{visited} configurations: "
        + ("linearizable" if not bad else f"{len(bad)} treasures NOT linearizable"))
    return not bad


def main(paths: List[str]) -> int:
    if not paths or any(path.startswith("-") for path in paths):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    good = True
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                good &= report(read(file))
        except (OSError, BadHistory) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
