"""A small search space, its candidates and a journal of them."""

import json
import re

from hypothesis import strategies as st
from scipy.stats import uniform

from skhpt import Space
from skhpt.journal import Header, SpaceCodec, open_journal
from skhpt.journal.json_values import encode
from skhpt.journal.reader import JournalReader
from skhpt.trial import Candidate, FoldScore

FINGERPRINT = {"data": "X ndarray (3, 2) #1234", "folds": "3 folds #5678"}
HEADER = Header(FINGERPRINT, {"n_splits": 3})
CODEC = SpaceCodec(Space({"C": uniform(0, 1), "kernel": ["linear", "rbf"]}))
PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**1000), 2**1000) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.booleans()), inner, max_size=3)
    ),
    max_leaves=8,
)


def through_json(record):
    """Write a record as a line of a journal, and read it."""
    return json.loads(encode(record))


def as_format_1(data):
    """Return a journal as earlier versions wrote it: without an id and without checksums."""
    lines = re.sub(rb', "crc": "[0-9a-f]{8}"}\n', b"}\n", data)
    return re.sub(rb'"format": 2, (.*?)"id": "[0-9a-f]*", ', rb'"format": 1, \1', lines, count=1)


def append_lines(path, texts):
    """Append JSON objects to a journal as lines with the right checksums."""
    with open(path, "rb") as file:
        reader = JournalReader(str(path), file)
        reader.read(CODEC)
    with open(path, "ab") as file:
        file.write(reader.checker.sealer(0).seal(texts, 0))


def candidates(n, first=0):
    return [Candidate(i, {"C": i / 7, "kernel": "rbf"}) for i in range(first, first + n)]


def write(path, header=HEADER):
    """Write two rounds of two candidates with three folds each, without the last fold; return the bytes."""
    with open_journal(path, header, CODEC) as journal:
        for first in (0, 2):
            journal.asked(candidates(2, first))
            folds = [FoldScore(i, split, i + split / 3) for i in (first, first + 1) for split in range(3)]
            for fold in folds[:-1]:
                journal.scored(fold)
    return path.read_bytes()
