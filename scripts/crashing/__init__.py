"""The parts of scripts/crash.py: the engine's process, its journal's files, a model of the rules, the
senders with their own books, and ways to damage a data folder.

What is checked here is computed here: nothing asks the engine whether the engine is right.
"""


class Violation(Exception):
    """A promise of the engine was not kept; the text says which, and where to look."""


def check(holds, text):
    if not holds:
        raise Violation(text() if callable(text) else text)
