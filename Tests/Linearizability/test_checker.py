"""The checker accepts what is linearizable and, above all, refuses what is not.

    python3 -m unittest discover -s Tests/Linearizability
"""

import itertools
import json
import os
import random
import unittest

from checker import NEVER, BadHistory, Operation, State, check, fits, read


def history(*rows):
    """Rows (process, type, operation, value) of treasure 1; the treasure has stock 1 from the start."""
    rows = ((0, "invoke", "spawn", {"stock": 1}), (0, "ok", "spawn", {"result": "ok"})) + rows
    return [json.dumps(dict(process=process, type=kind, operation=name, treasure=1, value=value,
                            time=at)) for at, (process, kind, name, value) in enumerate(rows)]


def is_good(*rows):
    return check(read(history(*rows))[1]).is_linearizable


def claim(process, player):
    return (process, "invoke", "claim", {"player": player})


def granted(process, left=0):
    return (process, "ok", "claim", {"result": "ok", "left": left})


NO_STOCK = {"result": "no_stock", "left": 0}
READ = (9, "invoke", "read", {})


def shows(free, claimed):
    return (9, "ok", "read", {"exists": True, "free": free, "claimed": claimed})


class HandMade(unittest.TestCase):
    def test_one_winner_and_one_refusal(self):
        for first, second in ((1, 2), (2, 1)):
            self.assertTrue(is_good(
                claim(1, 7), claim(2, 8), granted(first), (second, "ok", "claim", NO_STOCK)))

    def test_two_winners_of_one(self):
        self.assertFalse(is_good(claim(1, 7), claim(2, 8), granted(1), granted(2)))

    def test_a_player_wins_twice(self):
        rows = ((0, "invoke", "spawn", {"stock": 2}), (0, "ok", "spawn", {"result": "ok"}),
                claim(1, 7), granted(1, 1), claim(2, 7), granted(2, 0))
        lines = [json.dumps(dict(process=one[0], type=one[1], operation=one[2], treasure=1,
                                 value=one[3], time=0)) for one in rows]
        self.assertFalse(check(read(lines)[1]).is_linearizable)

    def test_a_granted_claim_is_lost(self):
        self.assertTrue(is_good(claim(1, 7), granted(1), READ, shows(0, 1)))
        self.assertFalse(is_good(claim(1, 7), granted(1), READ, shows(1, 0)))

    def test_a_granted_claim_is_lost_and_given_to_another(self):
        self.assertFalse(is_good(claim(1, 7), granted(1), claim(2, 8), granted(2)))

    def test_a_read_is_stale_after_the_answer(self):
        self.assertTrue(is_good(READ, claim(1, 7), granted(1), shows(1, 0)))
        self.assertFalse(is_good(claim(1, 7), granted(1), READ, shows(1, 0)))

    def test_reads_go_back_in_time(self):
        back = READ, shows(0, 1), READ, shows(1, 0)
        self.assertFalse(is_good(claim(1, 7), *back, granted(1)))
        self.assertFalse(is_good(claim(1, 7), *back))

    def test_a_refusal_without_a_reason(self):
        self.assertFalse(is_good(claim(1, 7), (1, "ok", "claim", NO_STOCK)))
        self.assertFalse(is_good(claim(1, 7), (1, "ok", "claim", {"result": "already_claimed"})))
        self.assertFalse(is_good(claim(1, 7), (1, "ok", "claim", {"result": "unknown_treasure"})))

    def test_a_wrong_count_of_what_is_left(self):
        self.assertFalse(is_good(claim(1, 7), granted(1, 1)))

    def test_an_unknown_outcome_may_have_happened_or_not(self):
        unknown = claim(1, 7), (1, "info", "claim", None)
        self.assertTrue(is_good(*unknown, READ, shows(1, 0)))
        self.assertTrue(is_good(*unknown, READ, shows(0, 1)))
        # ... and any time later.
        self.assertTrue(is_good(*unknown, READ, shows(1, 0), READ, shows(0, 1)))
        self.assertFalse(is_good(*unknown, READ, shows(0, 1), READ, shows(1, 0)))
        self.assertTrue(is_good(*unknown, claim(2, 8), (2, "ok", "claim", NO_STOCK)))

    def test_a_duplicate_happened_before_it_was_told(self):
        told = claim(1, 7), (1, "ok", "claim", None)
        self.assertTrue(is_good(*told, READ, shows(0, 1)))
        self.assertFalse(is_good(*told, READ, shows(1, 0)))

    def test_a_failed_claim_has_no_effect(self):
        failed = claim(1, 7), (1, "fail", "claim", None)
        self.assertTrue(is_good(*failed, READ, shows(1, 0)))
        self.assertFalse(is_good(*failed, READ, shows(0, 1)))

    def test_what_a_viewer_saw_was_so(self):
        seen = (5, "invoke", "seen", {"player": 7}), (5, "ok", "seen", {"won": True})
        self.assertTrue(is_good(claim(1, 7), *seen, granted(1)))
        self.assertTrue(is_good(claim(1, 7), *seen, (1, "info", "claim", None)))
        self.assertFalse(is_good(*seen, claim(1, 7), granted(1)))
        self.assertFalse(is_good(claim(1, 7), *seen, READ, shows(1, 0)))

    def test_a_new_generation_begins_anew(self):
        again = ((0, "invoke", "despawn", {}), (0, "ok", "despawn", {"result": "ok"}),
                 (0, "invoke", "spawn", {"stock": 1}), (0, "ok", "spawn", {"result": "ok"}))
        self.assertTrue(is_good(claim(1, 7), granted(1), *again, claim(1, 7), granted(1)))
        self.assertFalse(is_good(claim(1, 7), granted(1), *again, READ, shows(0, 1)))


class Format(unittest.TestCase):
    def test_what_is_no_history_is_refused(self):
        invoke = dict(process=1, type="invoke", operation="read", treasure=1, value={}, time=5)
        for rows in (
            [{**invoke, "type": "ok"}], [invoke, invoke], [invoke, {**invoke, "process": 2, "time": 4}],
            [invoke, {**invoke, "type": "ok", "operation": "claim"}], [{**invoke, "type": "maybe"}],
            [{**invoke, "operation": "eat"}], [{"process": 1}], [7],
            [invoke, {**invoke, "type": "info"}, invoke],
        ):
            with self.assertRaises(BadHistory):
                read(json.dumps(row) for row in rows)


def by_trying_all(operations):
    """The definition, word for word: some order of the answered and of some unanswered ones."""
    answered = [one for one in operations if not one.is_open]
    unanswered = [one for one in operations if one.is_open]
    for size in range(len(unanswered) + 1):
        for some in itertools.combinations(unanswered, size):
            for order in itertools.permutations(answered + list(some)):
                if any(later.ended < one.began for at, one in enumerate(order)
                       for later in order[at + 1:]):
                    continue
                state = State()
                for one in order:
                    state = fits(state, one)
                    if state is None:
                        break
                else:
                    return True
    return False


class Searched(unittest.TestCase):
    def test_the_search_agrees_with_the_definition(self):
        """Random histories of up to 6 operations: the verdict is that of trying every order."""
        seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
        pick = random.Random(seed)
        verdicts = [0, 0]
        for _ in range(1_500):
            lines = sorted(pick.sample(range(1, 30), 12))
            pick.shuffle(lines)
            operations = []
            for at in range(pick.randint(1, 6)):
                began, ended = sorted(lines[2 * at:2 * at + 2])
                name = pick.choice(("spawn", "claim", "claim", "claim", "read", "despawn", "seen"))
                value = {"spawn": {"stock": pick.randint(1, 2)}}.get(name, {})
                if name in ("claim", "seen"):
                    value = {"player": pick.randint(1, 3)}
                if name == "read":
                    claimed = pick.randint(0, 2)
                    result = {"exists": True, "free": 2 - claimed, "claimed": claimed}
                elif name == "seen":
                    result = {"won": True}
                elif name == "claim":
                    result = pick.choice((
                        {"result": "ok", "left": pick.randint(0, 1)}, NO_STOCK,
                        {"result": "already_claimed"}, {"result": "unknown_treasure"}))
                else:
                    result = {"result": "ok"}
                roll = pick.random()
                if roll < 0.15 and name not in ("read", "seen"):
                    ended, result = NEVER, None
                elif roll < 0.25 and name not in ("read", "seen"):
                    result = None
                operations.append(Operation(at, name, value, result, began, ended))
            wanted = by_trying_all(operations)
            verdicts[wanted] += 1
            self.assertEqual(
                check(operations).is_linearizable, wanted,
                f"SEED={seed}\n" + "\n".join(map(str, operations)))
        self.assertGreater(min(verdicts), 50, "the generator makes one verdict only")


if __name__ == "__main__":
    unittest.main()
