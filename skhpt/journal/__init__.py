"""The memory: a file that survives the process, one line of JSON for each thing that happened.

The first line says what the search depends on, and what to show of the choices in its space::

    {"journal": "skhpt", "format": 1, "skhpt": "0.1.0", "time": 1.7e9, "n_known": 0, "parts": {...}, "facts": {...},
     "choices": [{"kernel": ["linear", "rbf"]}]}

Then comes a line for each round that was asked for, each fold that came back, each candidate that lost a race (how many
of its folds count), and each event::

    {"asked": [{"id": 0, "point": {"params": {"C": 0.5, "kernel": {"choice": 1}}}}]}
    {"scored": 0, "split": 2, "test": 0.93, "fit_time": 0.012, "score_time": 0.001}
    {"finished": 0, "n_folds": 3}
    {"event": "stopped", "time": 1.7e9, "facts": {"reason": "interrupted"}}
"""

from skhpt.journal.codec import Codec, ListCodec, SpaceCodec
from skhpt.journal.journal import Journal, open_journal
from skhpt.journal.reader import Header
from skhpt.journal.view import JournalView, read_journal

__all__ = ["Codec", "Header", "Journal", "JournalView", "ListCodec", "SpaceCodec", "open_journal", "read_journal"]
