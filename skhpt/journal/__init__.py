"""The memory: a file that survives the process, one line for each thing that happened."""

from skhpt.journal.codec import Codec, ListCodec, SpaceCodec
from skhpt.journal.contents import Header
from skhpt.journal.journal import Journal, open_journal
from skhpt.journal.view import JournalView, read_journal

__all__ = ["Codec", "Header", "Journal", "JournalView", "ListCodec", "SpaceCodec", "open_journal", "read_journal"]
