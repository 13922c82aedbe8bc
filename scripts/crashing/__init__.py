"""The parts of scripts/crash.py beside checking.py: the journal's files, a model of the rules, the
senders with their own books, and ways to damage a data folder.

What is checked here is computed here: nothing asks the engine whether the engine is right.
"""
