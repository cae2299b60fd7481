"""The leaderboard as rows, as a DataFrame and as text."""

import numpy as np
import pytest

from skhpt.results.cv_results import cv_results
from skhpt.results.leaderboard import leaderboard, leaderboard_frame, leaderboard_text
from skhpt.trial import Candidate, FoldScore, Trial


def trials_of(scores):
    """Trials with these scores, of shape (n_candidates, n_splits)."""
    return [
        Trial(Candidate(i, {"C": i}), tuple(FoldScore(i, s, x, fit_time=i + s) for s, x in enumerate(row)))
        for i, row in enumerate(scores)
    ]


def test_the_best_candidates_come_first():
    trials = trials_of([[0.1, 0.3], [0.9, 0.7], [0.5, 0.5], [0.8, 0.8]])
    table = cv_results(trials, error_score=np.nan)
    rows = leaderboard(trials, table, "score", n=3)
    assert [(row["rank_test_score"], row["candidate"], row["state"]) for row in rows] == [
        (1, 1, "ok"),
        (1, 3, "ok"),
        (3, 2, "ok"),
    ]
    assert rows[0]["mean_test_score"] == pytest.approx(0.8)
    assert rows[0]["std_test_score"] == pytest.approx(0.1)
    assert rows[0]["mean_fit_time"] == pytest.approx(1.5)
    frame = leaderboard_frame(rows)
    assert frame.index.tolist() == [1, 3, 2]
    assert frame["param_C"].tolist() == [1, 3, 2]


def test_the_columns_of_the_text_are_aligned():
    rows = [
        {
            "rank_test_score": 1,
            "candidate": 0,
            "mean_test_score": 0.98765,
            "std_test_score": 0.01,
            "mean_fit_time": 0.00123,
            "state": "ok",
            "param_C": 10.0,
        },
        {
            "rank_test_score": 2,
            "candidate": 1,
            "mean_test_score": 0.5,
            "std_test_score": 0.0,
            "mean_fit_time": 12.3,
            "state": "failed",
            "param_k": "x" * 40,
        },
    ]
    assert leaderboard_text(rows).splitlines() == [
        "rank  candidate   score     std  fit_time   state   C                               k",
        "----  ---------  ------  ------  --------  ------  --  ------------------------------",
        "   1          0  0.9877  0.0100    1.2 ms      ok  10",
        "   2          1  0.5000  0.0000   12.30 s  failed      xxxxxxxxxxxxxxxxxxxxxxxxxxx...",
    ]
