"""The table of results, compared with scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from skhpt.results.cv_results import cv_results, metric_names
from skhpt.trial import Candidate, FoldScore, Trial

SCORES = st.floats(-5, 5) | st.sampled_from([np.nan, np.inf, -np.inf])


def trials_of(scores, infos=None):
    """Trials with the given test scores, of shape (n_candidates, n_splits)."""
    return [
        Trial(
            Candidate(i, {"C": i}, info=infos[i] if infos else {}),
            tuple(FoldScore(i, s, float(x), float(x) / 2, i + s, 0.5) for s, x in enumerate(row)),
        )
        for i, row in enumerate(scores)
    ]


@given(hnp.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=SCORES))
@pytest.mark.filterwarnings("ignore")
def test_the_table_equals_that_of_scikit_learn(scores):
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


def test_failed_folds_have_the_error_score():
    trials = [
        Trial(
            Candidate(0, {}), (FoldScore(0, 0, {"a": 1.0, "b": 2.0}), FoldScore(0, 1, None, state="failed"))
        )
    ]
    table = cv_results(trials, error_score=-1.0)
    assert (table["split1_test_a"][0], table["split1_test_b"][0], table["mean_test_b"][0]) == (-1, -1, 0.5)
    assert metric_names(trials) == ["a", "b"]
    assert metric_names(trials_of([[1.0]])) is None


def test_there_is_one_warning_for_non_finite_test_scores_and_one_for_training_scores():
    with pytest.warns(UserWarning, match="One or more of the") as caught:
        cv_results(trials_of([[np.nan, 1.0], [0.5, 0.5]]), error_score=np.nan, return_train_score=True)
    assert [str(w.message).split(" scores")[0] for w in caught] == [
        "One or more of the test",
        "One or more of the train",
    ]


def test_the_info_of_candidates_becomes_columns():
    table = cv_results(trials_of([[1.0], [2.0]], infos=[{"origin": "grid"}, {}]), error_score=np.nan)
    assert table["origin"].tolist() == ["grid", None]
    assert next(iter(table)) == "origin"


def test_budgets_rank_before_scores_and_skipped_folds_do_not_count():
    trials = [
        Trial(Candidate(0, {}), (FoldScore(0, 0, 0.9), FoldScore(0, 1, None, state="skipped"))),
        Trial(Candidate(1, {}), (FoldScore(1, 0, 0.5), FoldScore(1, 1, 0.7))),
        Trial(Candidate(2, {}), (FoldScore(2, 0, 0.8), FoldScore(2, 1, None, state="failed"))),
    ]
    with pytest.warns(UserWarning, match="test scores are non-finite"):
        table = cv_results(trials, error_score=np.nan, budgets=[1, 2, 2])
    assert table["rank_test_score"].tolist() == [2, 1, 3]
    np.testing.assert_allclose(table["mean_test_score"], [0.9, 0.6, np.nan])
    assert table["state"].tolist() == ["ok", "ok", "failed"]


def test_parameters_may_be_shown_otherwise():
    table = cv_results(trials_of([[1.0], [2.0]]), error_score=np.nan, params=[{"C": 1, "k": 3}, {"C": 2}])
    assert table["params"] == [{"C": 1, "k": 3}, {"C": 2}]
    assert table["param_k"].tolist() == [3, None]
