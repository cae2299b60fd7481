"""Fits and scores of one candidate on one fold: values, failures as values, the printed report, observers."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring, get_scorer
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection._validation import _fit_and_score
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skhpt.fitting import slicing
from skhpt.fitting.fold import evaluate
from skhpt.fitting.job import Job, Setup
from skhpt.fitting.verbose import label
from skhpt.trial import Candidate
from tests.estimators import Failing, Mutating, Null, failing_scorer

TRAIN, TEST = np.arange(0, 150, 2), np.arange(1, 150, 2)


def outcome_of(*args):
    """Run a task to its end and return its outcome."""
    steps = evaluate(*args)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def run(estimator, iris, params=None, observer=None, **setup):
    """Evaluate one candidate on one fold."""
    setup.setdefault("scorer", check_scoring(estimator))
    job = Job(Candidate(7, params or {}), **({"observer": observer} if observer else {}))
    (score,) = outcome_of(*iris, Setup(estimator, **setup), 3, TRAIN, TEST, [job]).scores
    assert (score.candidate, score.split) == (7, 3)
    return score


def theirs(estimator, iris, params=None, **kwargs):
    """Result of scikit-learn for the same fold."""
    kwargs = {
        "scorer": check_scoring(estimator),
        "verbose": 0,
        "fit_params": {},
        "score_params": {},
        "return_times": True,
    } | kwargs
    return _fit_and_score(clone(estimator), *iris, train=TRAIN, test=TEST, parameters=params, **kwargs)


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize(
    "scorer",
    [check_scoring(SVC()), get_scorer("f1_macro"), _MultimetricScorer(scorers={"a": get_scorer("accuracy")})],
    ids=["default", "one", "several"],
)
def test_scores_are_those_of_scikit_learn(iris, scorer, share):
    weights = np.linspace(1, 2, 150)
    common = {"scorer": scorer, "fit_params": {"sample_weight": weights}, "return_train_score": True}
    score = run(SVC(), iris, {"C": 0.1}, may_share=share, **common)
    expected = theirs(SVC(), iris, {"C": 0.1}, **common)
    assert (score.test_score, score.train_score) == (expected["test_scores"], expected["train_scores"])
    assert (score.state, score.error) == ("ok", None)
    assert score.fit_time > 0
    assert score.score_time > 0


def test_without_y():
    X = np.random.RandomState(0).rand(150, 2)
    score = run(KMeans(2, random_state=0, n_init=1), (X, None))
    assert score.test_score == theirs(KMeans(2, random_state=0, n_init=1), (X, None))["test_scores"]


def test_the_estimators_of_the_user_are_not_fitted(iris):
    base, inner = LogisticRegression(max_iter=200), SVC()
    run(base, iris)
    run(Pipeline([("classify", SVC())]), iris, {"classify": inner})
    assert not hasattr(base, "coef_")
    assert not hasattr(inner, "support_")


def test_a_failed_fit_is_a_value_with_its_traceback(iris):
    score = run(Failing(bad=(1,)), iris, {"value": 1})
    assert (score.test_score, score.train_score, score.state) == (None, None, "failed")
    assert "in fit" in score.error
    assert "ArithmeticError: no luck with 1" in score.error
    with pytest.raises(ArithmeticError, match="no luck"):
        run(Failing(bad=(1,)), iris, {"value": 1}, error_score="raise")


def test_parameters_that_cannot_be_set_are_a_failed_fit(iris):
    score = run(SVC(), iris, {"D": 1})
    assert (score.test_score, score.state) == (None, "failed")
    assert "Invalid parameter" in score.error
    with pytest.raises(ValueError, match="Invalid parameter"):
        run(SVC(), iris, {"D": 1}, error_score="raise")


def test_a_failed_scorer_is_a_value_too(iris):
    with pytest.warns(UserWarning, match="(?s)Scoring failed.*set to -1.*cannot score"):
        score = run(Null(), iris, {"value": 1}, scorer=failing_scorer, error_score=-1)
    assert np.isnan(score.test_score)
    assert score.state == "failed"
    assert "cannot score" in score.error
    with pytest.raises(ArithmeticError, match="cannot score"):
        run(Null(), iris, {"value": 1}, scorer=failing_scorer, error_score="raise")


def test_one_failed_metric_of_several(iris):
    scorer = _MultimetricScorer(
        scorers={"bad": failing_scorer, "good": get_scorer("accuracy")}, raise_exc=False
    )
    with pytest.warns(UserWarning, match="cannot score"):
        score = run(Null(), iris, {"value": 1}, scorer=scorer, error_score=-1)
    assert score.test_score == {"bad": pytest.approx(np.nan, nan_ok=True), "good": pytest.approx(1 / 3)}
    assert score.state == "failed"


@pytest.mark.parametrize("bad", ["a", None, [1, 2], {"a": "b"}, np.array([1, 2])])
def test_scores_must_be_numbers(iris, bad):
    with pytest.raises(ValueError, match="scoring must return a number, got"):
        run(Null(), iris, scorer=lambda estimator, X, y: bad)


@pytest.mark.parametrize("good", [np.float32(0.5), np.array(0.5), np.array([0.5]), 1, True])
def test_scores_of_numpy_become_numbers_of_python(iris, good):
    score = run(Null(), iris, scorer=lambda estimator, X, y: good)
    assert score.test_score == float(np.asarray(good).ravel()[0])
    assert not isinstance(score.test_score, (np.generic, np.ndarray))


@pytest.mark.parametrize("as_frame", [False, True])
def test_an_estimator_that_writes_to_its_data_cannot_spoil_the_next_fit(iris, as_frame):
    X, y = iris
    data = (pd.DataFrame(X.copy()), y) if as_frame else (X.copy(), y)
    estimator = Mutating()
    if as_frame:
        estimator = MutatingFrame()
    setup = Setup(estimator, check_scoring(estimator), may_share=slicing.is_read_only(estimator))
    jobs = [Job(Candidate(i, {})) for i in range(3)]
    scores = {score.test_score for score in outcome_of(*data, setup, 0, TRAIN, TEST, jobs).scores}
    assert len(scores) == 1
    np.testing.assert_array_equal(np.asarray(data[0]), X)


class MutatingFrame(Mutating):
    def fit(self, X, y):
        self.sum_ = float(X.to_numpy().sum())
        X.iloc[:, :] = 0
        return Null.fit(self, X, y)

    def score(self, X, y):
        return self.sum_ + X.to_numpy().sum()


def test_read_only_candidates_share_slices(iris, monkeypatch):
    calls = []
    slice_rows = slicing.slice_rows
    monkeypatch.setattr(
        slicing, "slice_rows", lambda *args, **kwargs: calls.append(1) or slice_rows(*args, **kwargs)
    )
    setup = Setup(SVC(), check_scoring(SVC()), may_share=True)
    jobs = [Job(Candidate(i, {"C": i + 1.0})) for i in range(5)]
    outcome_of(*iris, setup, 0, TRAIN, TEST, jobs)
    outcome_of(*iris, setup, 0, TRAIN, TEST, jobs)  # another task of the same fold, in the same worker
    assert len(calls) == 1
    outcome_of(
        *iris, setup, 0, TRAIN, TEST, [Job(Candidate(9, {"kernel": linear_kernel}))]
    )  # a function may write to its data
    assert len(calls) == 2
    # Another search.
    outcome_of(*iris, Setup(SVC(), check_scoring(SVC()), may_share=True), 0, TRAIN, TEST, jobs)
    assert len(calls) == 3


def linear_kernel(a, b):
    return a @ b.T


@pytest.mark.parametrize("kernel", ["rbf", "precomputed"])
def test_a_kernel_matrix_is_sliced_on_both_axes(iris, kernel):
    X, y = iris
    gram = X @ X.T
    setup = Setup(SVC(), check_scoring(SVC()), may_share=True)
    jobs = [Job(Candidate(0, {"kernel": "rbf"})), Job(Candidate(1, {"kernel": "precomputed"}))]
    rbf, precomputed = outcome_of(gram, y, setup, 0, TRAIN, TEST, jobs).scores
    assert rbf.test_score == theirs(SVC(), (gram, y), {"kernel": "rbf"})["test_scores"]
    assert precomputed.test_score == theirs(SVC(), (gram, y), {"kernel": "precomputed"})["test_scores"]


@pytest.mark.parametrize("verbose", [0, 2, 3, 10])
@pytest.mark.parametrize("params", [{}, {"value": 0}, {"value": 1}])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("train", [False, True])
def test_the_report_is_that_of_scikit_learn(iris, capsys, verbose, params, several, train):
    estimator = Failing(bad=(1,))
    scorer = check_scoring(estimator)
    if several:
        scorer = _MultimetricScorer(scorers={"a": get_scorer("accuracy"), "b": get_scorer("accuracy")})
    common = {"scorer": scorer, "verbose": verbose, "return_train_score": train, "error_score": np.nan}
    theirs(estimator, iris, params, split_progress=(3, 5), candidate_progress=(7, 9), **common)
    expected = capsys.readouterr().out
    job = Job(Candidate(7, params), label(verbose, 3, 5, 7, 9))
    outcome_of(*iris, Setup(estimator, **common), 3, TRAIN, TEST, [job])
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("value", [0, 1])
def test_the_observer_sees_good_and_failed_fits(iris, value):
    seen = []

    class FoldObserver:
        @contextmanager
        def fitting(self, estimator, fold):
            seen.append(("begin", estimator.value, len(fold.X_train)))
            yield
            seen.append("fitted")

        def end(self, fold):
            seen.append(("end", len(fold.X_train)))

    run(Failing(bad=(1,)), iris, {"value": value}, observer=FoldObserver())
    assert seen == [("begin", value, 75), *(["fitted"] if value == 0 else []), ("end", 75)]
