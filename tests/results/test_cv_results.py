"""From the history to cv_results_ and the leaderboard."""

import builtins

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from skhpt.results.cv_results import cv_results, metric_names
from skhpt.results.leaderboard import leaderboard, leaderboard_frame, leaderboard_text
from skhpt.trial import Candidate, FoldScore, Trial

SCORES = st.floats(-5, 5) | st.sampled_from([np.nan, np.inf, -np.inf])


def trials_of(scores, notes=None):
    """Trials with the given test scores, of shape (n_candidates, n_splits)."""
    return [
        Trial(
            Candidate(i, {"C": i}, info=notes[i] if notes else {}),
            tuple(FoldScore(i, s, float(x), float(x) / 2, i + s, 0.5) for s, x in enumerate(row)),
        )
        for i, row in enumerate(scores)
    ]


@given(hnp.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=SCORES))
@pytest.mark.filterwarnings("ignore")
def test_the_table_is_scikit_learns(scores):
    ours = cv_results(trials_of(scores), error_score=np.nan, return_train_score=True)
    out = [
        {"fit_time": i + s, "score_time": 0.5, "test_scores": x, "train_scores": x / 2}
        for i, row in enumerate(scores)
        for s, x in enumerate(row)
    ]
    search = GridSearchCV(SVC(), {"C": [1]}, return_train_score=True)
    with np.errstate(all="ignore"):
        theirs = search._format_results([{"C": i} for i in range(len(scores))], scores.shape[1], out)
    assert list(ours) == list(theirs)
    for name, column in theirs.items():
        assert type(ours[name]) is type(column)
        np.testing.assert_array_equal(ours[name], column, err_msg=name)
        assert getattr(ours[name], "dtype", None) == getattr(column, "dtype", None)


def test_failed_folds_get_the_error_score():
    trials = [Trial(Candidate(0, {}), (FoldScore(0, 0, {"a": 1.0, "b": 2.0}), FoldScore(0, 1, None, state="failed")))]
    table = cv_results(trials, error_score=-1.0)
    assert (table["split1_test_a"][0], table["split1_test_b"][0], table["mean_test_b"][0]) == (-1, -1, 0.5)
    assert metric_names(trials) == ["a", "b"]
    assert metric_names(trials_of([[1.0]])) is None


def test_non_finite_scores_are_warned_of_once_per_kind():
    with pytest.warns(UserWarning, match="One or more of the") as caught:
        cv_results(trials_of([[np.nan, 1.0], [0.5, 0.5]]), error_score=np.nan, return_train_score=True)
    assert [str(w.message).split(" scores")[0] for w in caught] == [
        "One or more of the test",
        "One or more of the train",
    ]


def test_notes_become_columns():
    table = cv_results(trials_of([[1.0], [2.0]], notes=[{"origin": "grid"}, {}]), error_score=np.nan)
    assert table["origin"].tolist() == ["grid", None]
    assert next(iter(table)) == "origin"


def test_leaderboard_rows_are_the_best_first():
    trials = trials_of([[0.1, 0.3], [0.9, 0.7], [0.5, 0.5], [0.8, 0.8]])
    table = cv_results(trials, error_score=np.nan)
    rows = leaderboard(trials, table, "score", n=3)
    assert [(row["rank"], row["candidate"], row["state"]) for row in rows] == [(1, 1, "ok"), (1, 3, "ok"), (3, 2, "ok")]
    assert rows[0]["score"] == pytest.approx(0.8)
    assert rows[0]["std"] == pytest.approx(0.1)
    assert rows[0]["fit_time"] == pytest.approx(1.5)
    frame = leaderboard_frame(rows)
    assert frame.index.tolist() == [1, 3, 2]
    assert frame["param_C"].tolist() == [1, 3, 2]


def test_leaderboard_text_lines_up():
    rows = [
        {"rank": 1, "candidate": 0, "score": 0.98765, "std": 0.01, "fit_time": 0.00123, "state": "ok", "param_C": 10.0},
        {"rank": 2, "candidate": 1, "score": 0.5, "std": 0.0, "fit_time": 12.3, "state": "failed", "param_k": "x" * 40},
    ]
    assert leaderboard_text(rows).splitlines() == [
        "rank  candidate   score     std  fit_time   state   C                               k",
        "----  ---------  ------  ------  --------  ------  --  ------------------------------",
        "   1          0  0.9877  0.0100    1.2 ms      ok  10",
        "   2          1  0.5000  0.0000   12.30 s  failed      xxxxxxxxxxxxxxxxxxxxxxxxxxx...",
    ]


def test_without_pandas_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def no_pandas(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pandas)
    with pytest.raises(ImportError, match=r"pip install pandas.*leaderboard_text"):
        leaderboard_frame([])
