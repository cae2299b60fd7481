"""A small search space, its candidates and a journal of them."""

import json

from hypothesis import strategies as st
from scipy.stats import uniform

from skhpt import Space
from skhpt.journal import Header, SpaceCodec, open_journal
from skhpt.journal.json_values import encode_line
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
    return json.loads(encode_line(record))


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
