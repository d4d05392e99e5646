"""Does a message still hold? A module for each kind of record; `NOTIFICATIONS["RELEVANCE"]` names the callbacks.

This app knows nothing of notifications: `question.py` says what little it reads of them.
"""
