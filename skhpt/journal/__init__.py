"""Journal of a search: a file that outlives the process, with one line of JSON for each step of the search.

The first line describes the search and the choices of its space::

    {"journal": "skhpt", "format": 2, "skhpt": "0.1.0", "id": "6f1e...", "time": 1.7e9, "n_known": 0,
     "parts": {...}, "facts": {...}, "choices": [{"kernel": ["linear", "rbf"]}], "crc": "1a2b3c4d"}

Each other line is a round of candidates, an evaluated fold, a candidate that a race eliminated (with the
number of its folds that count), a trial of an earlier search, or an event, followed by its checksum (left out
here)::

    {"asked": [{"id": 0, "point": {"params": {"C": 0.5, "kernel": {"choice": 1}}}}], "time": 1.7e9}
    {"scored": 0, "split": 2, "test": 0.93, "fit_time": 0.012, "score_time": 0.001,
     "started": 1.7e9, "ended": 1.7e9, "worker": "1234"}
    {"finished": 0, "n_folds": 3, "time": 1.7e9}
    {"event": "ended", "time": 1.7e9, "facts": {"reason": "interrupted"}}

The files of this package:

- ``journal``: `Journal` and `open_journal`, which a search writes with,
- ``append_only_file``: locks, torn lines, full disks,
- ``reader``: `JournalReader` and `read_header`, which read the lines of a file,
- ``checksums``: checksums that bind a line to its journal and to the line before it,
- ``records``: candidates, folds and events as JSON objects, and back,
- ``codec``: the parameters of a candidate as JSON,
- ``json_values``: Python values as JSON,
- ``replay``: the history of the search, from what was read,
- ``liveness``: whether the search is running, has ended or is dead,
- ``view``: `JournalView`, which shows a journal without the objects of the search,
- ``follower``: `read_journal` and `JournalFollower`, which return views.
"""

from skhpt.journal.codec import Codec, ListCodec, SpaceCodec
from skhpt.journal.follower import JournalFollower, is_journal, read_journal
from skhpt.journal.journal import Journal, OwnParams, open_journal
from skhpt.journal.reader import read_header
from skhpt.journal.records import Header, texts_record, version
from skhpt.journal.view import JournalView

__all__ = [
    "Codec",
    "Header",
    "Journal",
    "JournalFollower",
    "JournalView",
    "ListCodec",
    "OwnParams",
    "SpaceCodec",
    "is_journal",
    "open_journal",
    "read_header",
    "read_journal",
    "texts_record",
    "version",
]
