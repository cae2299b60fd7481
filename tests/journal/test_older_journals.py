"""Journals that earlier versions wrote are resumed and read: no finished fold is repeated, the results are the same.

`tests.journal.older_searches` defines the searches and writes such journals.
"""

import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from skhpt import read_journal
from tests.journal.older_searches import SEARCHES, make, run

#: Searches whose later candidates changed with the model.
PROPOSED_BY_A_MODEL = {"bayes", "pending"}
JOURNALS = {path.stem: path for path in sorted((Path(__file__).parent / "data").glob("*.jsonl"))}


def name_of(stem):
    """Return the name of the search that wrote a journal."""
    return stem.partition("-")[2]


def records(journal):
    """Read the whole lines of a journal; the last digits of numbers, which depend on the machine, are left out."""
    decode = json.JSONDecoder(parse_float=lambda text: float(f"{float(text):.6g}")).decode
    return [decode(line.decode()) for line in journal.split(b"\n")[:-1]]


def candidates(journal):
    """Return the candidates of a journal, in the order in which they were asked for."""
    return [candidate for record in records(journal) for candidate in record.get("asked", [])]


def scores(journal):
    """Return candidate, fold, state and score of each fold, sorted."""
    folds = [record for record in records(journal) if "scored" in record]
    rows = [(fold["scored"], fold["split"], fold.get("state", "ok"), fold.get("test")) for fold in folds]
    return sorted(rows, key=repr)


def table(search):
    """Return ``cv_results_`` without times, and without the columns that an interruption changes."""
    columns = search.cv_results_
    names = [name for name in columns if not name.endswith("_time") and name != "resumed_from"]
    return {name: repr(np.ma.asarray(columns[name]).tolist()) for name in names}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Run each search once, with a new journal; return the search and the journal."""

    @functools.cache
    def run_once(name):
        path = tmp_path_factory.mktemp(name) / "fresh.jsonl"
        return run(make(name, journal=path)), path.read_bytes()

    return run_once


def with_versions_of(fresh, older):
    """Return a journal with the versions of Python and of libraries that a fresh one has.

    A journal of other library versions is refused, because scores may differ. The scores of these searches do
    not.
    """
    header, lines = older.split(b"\n", maxsplit=1)
    header = json.loads(header)
    header["parts"]["versions"] = json.loads(fresh.split(b"\n")[0])["parts"]["versions"]
    return json.dumps(header).encode() + b"\n" + lines


def interrupted(journal):
    """Return what a journal was when Ctrl-C had ended the search."""
    return journal[: journal.index(b"\n", journal.index(b'{"event": "ended"')) + 1]


def killed(journal):
    """Return what a journal would be if the process had been killed while a score was written."""
    starts = [match.start() for match in re.finditer(rb'\{"scored"', journal)]
    return journal[: starts[3 * len(starts) // 4] + 20]


def finished(journal):
    """Return the whole journal."""
    return journal


def test_there_is_a_journal_of_each_search():
    assert {name_of(stem) for stem in JOURNALS} == set(SEARCHES)


@pytest.mark.parametrize("part", [interrupted, killed, finished])
@pytest.mark.parametrize("stem", JOURNALS)
def test_an_older_journal_is_resumed_and_no_finished_fold_is_repeated(stem, part, fresh, tmp_path):
    name, older = name_of(stem), JOURNALS[stem].read_bytes()
    expected, fresh_journal = fresh(name)
    kept, path = part(with_versions_of(fresh_journal, older)), tmp_path / "search.jsonl"
    path.write_bytes(kept)

    search = run(make(name, journal=path))

    resumed = path.read_bytes()
    whole = kept[: kept.rindex(b"\n") + 1]
    assert resumed.startswith(whole)
    added = resumed[len(whole) :]
    assert {fold[:2] for fold in scores(added)}.isdisjoint(fold[:2] for fold in scores(whole))
    asked = candidates(whole)
    assert candidates(resumed)[: len(asked)] == asked
    assert len(candidates(resumed)) == len(candidates(older))
    if name not in PROPOSED_BY_A_MODEL:
        assert candidates(resumed) == candidates(older)
        assert scores(resumed) == scores(older)
    if name not in {"no-seed", *PROPOSED_BY_A_MODEL}:  # a fresh search draws something else
        assert candidates(resumed) == candidates(fresh_journal)
        assert table(search) == table(expected)
        assert (search.best_index_, search.stop_reason_) == (expected.best_index_, "completed")
    if search.return_predictions:
        assert search.corrected_score_ == pytest.approx(expected.corrected_score_)


@pytest.mark.parametrize("stem", JOURNALS)
def test_an_older_journal_is_read_without_the_search(stem, fresh, tmp_path):
    name = name_of(stem)
    path = tmp_path / "search.jsonl"
    path.write_bytes(with_versions_of(fresh(name)[1], JOURNALS[stem].read_bytes()))
    search, view = run(make(name, journal=path)), read_journal(JOURNALS[stem])
    n_given = len(search.history_) - len(view.history)  # those of an earlier search are not in the journal
    assert [trial.state for trial in view.history.finished] == [
        trial.state for trial in search.history_[n_given:]
    ]
    if not n_given:
        assert view.best_score == pytest.approx(search.best_score_)
    assert len(view.leaderboard_text(3).splitlines()) == 5


def test_a_journal_of_other_library_versions_is_refused_with_the_difference(tmp_path):
    journal = JOURNALS["format1-grid"].read_bytes()
    path = tmp_path / "search.jsonl"
    path.write_bytes(journal.replace(b"scikit-learn ", b"scikit-learn 0.", 1))
    with pytest.raises(ValueError, match=r"(?s)another search.*versions: .*scikit-learn 0\..* became "):
        run(make("grid", journal=path))
