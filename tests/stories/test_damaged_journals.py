"""Damaged journals: a search is refused by the name of the line, or ends with the scores of an undisturbed one."""

import json
import warnings

import pytest
from scipy.stats import randint

from skhpt import RandomSearch
from skhpt.journal.json_values import pack
from tests.estimators import Null
from tests.journal.examples import as_format_1


@pytest.fixture
def path(tmp_path):
    return tmp_path / "search.jsonl"


def make(path, **params):
    """Return a search of two candidates and two folds, whose journal takes about a thousand bytes."""
    options = {"n_iter": 2, "cv": 2, "random_state": 0, "refit": False}
    return RandomSearch(Null(), {"value": randint(0, 9)}, journal=path, **options | params)


def run(search, data):
    """Run a search; return its scores, or the error, and what was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = search.fit(*data).cv_results_["mean_test_score"].tolist()
        except ValueError as error:
            outcome = error
    return outcome, " ".join(str(warning.message) for warning in caught)


def change_header(path, key, value=None):
    """Make an older journal of a journal, whose header has another value, or none, of a key."""
    first, rest = as_format_1(path.read_bytes()).split(b"\n", 1)
    header = json.loads(first)
    owner = header["facts"] if key in header["facts"] else header
    del owner[key]
    if value is not None:
        owner[key] = value
    path.write_bytes(json.dumps(header).encode() + b"\n" + rest)


def test_a_changed_byte_is_named_and_changes_no_score(iris, path):
    expected, _ = run(make(path), iris)
    journal = path.read_bytes()
    begun = journal.find(b"\n")
    outcomes = set()
    for i in [*range(0, begun, 97), *range(begun, len(journal), 13)]:
        path.write_bytes(journal[:i] + bytes([journal[i] ^ 1 << i % 8]) + journal[i + 1 :])
        outcome, said = run(make(path), iris)
        if isinstance(outcome, ValueError):
            assert "search.jsonl" in str(outcome)
            assert "line" in str(outcome)
        else:
            assert outcome == expected
            number = journal[:i].count(b"\n") + 1
            assert f"line {number} " in said or f"lines {number} " in said
        outcomes.add(type(outcome))
    assert outcomes == {list, ValueError}


VALUES = {
    "draws": [
        3,
        [],
        {"state": 5},
        {"state": ["MT19937", [1, 2], 3, 0, 0.0]},
        {"state": ["other", [1] * 624, 3, 0, 0.0]},
        {"seed": "x"},
        {"seed": -1},
    ],
    "folds": [3, [], {"cv": 1, "splits": []}, {"cv": "x"}, {"cv": "x", "splits": [[[0.5], [1]]]}],
    "n_splits": ["x", 0, 1.5, True],
}


@pytest.mark.parametrize("key, value", [(key, value) for key in VALUES for value in VALUES[key]], ids=str)
def test_a_header_with_a_wrong_value_is_refused_by_name(key, value, iris, path):
    run(make(path), iris)
    change_header(path, key, pack(value))
    with pytest.raises(ValueError, match=rf"search\.jsonl.*line 1: .*{key}"):
        make(path).fit(*iris)


@pytest.mark.parametrize("key", ["time", "n_known", "parts", "facts", "draws", "folds"])
@pytest.mark.parametrize("value", [None, [7]], ids=["missing", "list"])
def test_a_header_without_a_key_is_refused_by_name(key, value, iris, path):
    run(make(path), iris)
    change_header(path, key, value)
    with pytest.raises(ValueError, match=rf"search\.jsonl.*line 1: .*{key}"):
        make(path).fit(*iris)


def test_draws_without_a_seed_must_be_in_the_header(iris, path):
    run(make(path, random_state=None), iris)
    change_header(path, "draws", {"dict": {}})
    with pytest.raises(ValueError, match=r"line 1: draws \(in facts\) has neither a seed nor a state"):
        make(path, random_state=None).fit(*iris)
    path.unlink()
    make(path).fit(*iris)
