"""``corrected_score_`` of searches: deterministic, without selection bias, for all kinds of scorers and searches."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skhpt import GridSearch, HyperbandSearchCV, RandomSearch
from skhpt.select import one_standard_error, within_percent
from tests.estimators import ScoresItself, accuracy_by_hand, asks_for_value, two_scores

TREE = DecisionTreeClassifier(random_state=0)
GRID = {"max_depth": [1, 2, 3, 4], "min_samples_leaf": [1, 4]}


def noise(n=80, n_features=10, seed=0):
    rng = np.random.RandomState(seed)
    return rng.normal(size=(n, n_features)), rng.randint(2, size=n)


def binary():
    X, y = load_iris(return_X_y=True)
    return X[50:, :2], y[50:] - 1


def grid(**params):
    return GridSearch(TREE, GRID, return_predictions=True, **params)


@pytest.mark.parametrize("scoring", [None, pytest.param("roc_auc", marks=pytest.mark.slow), "neg_log_loss"])
def test_vectorized_and_sequential_computation_agree(scoring, monkeypatch):
    monkeypatch.setattr("skhpt.search.corrected_score.N_BOOTSTRAPS", 200)
    vectorized = grid(scoring=scoring, cv=StratifiedKFold(4)).fit(*binary()).corrected_score_
    monkeypatch.setattr("skhpt.search.corrected_score.vectorized_scorer", lambda *args, **params: None)
    sequential = grid(scoring=scoring, cv=StratifiedKFold(4)).fit(*binary()).corrected_score_
    np.testing.assert_allclose(sequential, vectorized)


@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error"])
def test_regression(scoring):
    X, y = load_diabetes(return_X_y=True)
    search = GridSearch(Ridge(), {"alpha": [0.01, 0.1, 1]}, scoring=scoring, return_predictions=True).fit(
        X, y
    )
    corrected = search.corrected_score_
    metric = r2_score if scoring is None else lambda y, predicted: -mean_squared_error(y, predicted)
    assert corrected.pooled_score == pytest.approx(metric(y, search.out_of_fold_predictions()))
    assert corrected.low < corrected.score < corrected.high
    assert corrected.n_bootstraps == 1000


@pytest.mark.parametrize(
    "estimator, scoring",
    [
        (KNeighborsClassifier(), "roc_auc_ovr"),
        (KNeighborsClassifier(), "matthews_corrcoef"),
        (KNeighborsClassifier(), "top_k_accuracy"),
        (KNeighborsClassifier(), metrics.make_scorer(metrics.fbeta_score, beta=2, average="macro")),
        (KNeighborsClassifier(), accuracy_by_hand),
        (make_pipeline(StandardScaler(), LinearSVC()), None),
        (
            SVC(),
            metrics.make_scorer(
                metrics.hinge_loss, response_method="decision_function", greater_is_better=False
            ),
        ),
    ],
)
def test_any_scorer_that_needs_only_predictions(estimator, scoring, iris, monkeypatch):
    monkeypatch.setattr("skhpt.search.corrected_score.N_CALLS", 1)
    search = GridSearch(estimator, {}, scoring=scoring, cv=3, return_predictions=True).fit(*iris)
    corrected = search.corrected_score_
    assert corrected.pooled_score == pytest.approx(search.best_score_, abs=0.05)
    assert corrected.low <= corrected.score <= corrected.high


def test_several_outputs(monkeypatch):
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, -y])
    search = GridSearch(
        DecisionTreeRegressor(max_depth=2), {"min_samples_leaf": [1, 5]}, return_predictions=True
    )
    corrected = search.fit(X, Y).corrected_score_
    assert corrected.pooled_score == pytest.approx(search.best_score_, abs=0.05)


def test_on_noise_the_corrected_score_is_that_of_chance():
    naive, corrected = [], []
    for seed in range(6):
        X, y = noise(seed=seed)
        space = {"random_state": range(40)}
        search = GridSearch(
            DecisionTreeClassifier(max_depth=3, max_features=1), space, return_predictions=True, refit=False
        )
        search.fit(X, y)
        naive.append(search.best_score_)
        corrected.append(search.corrected_score_.score)
    assert np.mean(naive) > 0.6
    assert np.mean(corrected) == pytest.approx(0.5, abs=0.04)


def test_the_corrected_score_is_deterministic_and_survives_pickling():
    search = grid().fit(*noise())
    again = pickle.loads(pickle.dumps(search))
    assert again.corrected_score_ == search.corrected_score_ == grid(n_jobs=2).fit(*noise()).corrected_score_
    assert search.corrected_score_ is search.corrected_score_
    assert search.corrected_score_.n_candidates == 8
    assert search.corrected_score_.n_bootstraps == 1000


def test_a_new_fit_has_a_new_corrected_score():
    search = grid().fit(*noise())
    before = search.corrected_score_
    assert search.fit(*noise(seed=1)).corrected_score_ != before


def test_the_corrected_score_is_listed_by_tab_completion(iris):
    assert "corrected_score_" in dir(grid().fit(*iris))


def test_the_targets_are_copied():
    X, y = noise()
    search = grid().fit(X, y)
    again = grid().fit(X, y)
    before = search.corrected_score_
    y[:] = 0
    assert again.corrected_score_ == before


def test_the_bootstrap_draws_groups():
    X, y = noise(60, 3)
    X, y, groups = np.repeat(X, 4, axis=0), np.repeat(y, 4), np.repeat(np.arange(60), 4)
    search = GridSearch(TREE, {"max_depth": [1, 2]}, cv=GroupKFold(5), return_predictions=True)
    by_groups = search.fit(X, y, groups=groups).corrected_score_
    splits = list(GroupKFold(5).split(X, y, groups))
    by_rows = search.set_params(cv=splits).fit(X, y).corrected_score_
    assert by_groups.high - by_groups.low > 1.5 * (by_rows.high - by_rows.low)


def test_repeated_folds_and_rows_that_are_never_tested():
    X, y = noise(60)
    rows = np.arange(60)
    splits = [(rows[20:], rows[:20]), (rows[:40], rows[40:50]), (rows[20:], rows[:20])]
    corrected = grid(cv=splits).fit(X, y).corrected_score_
    assert corrected.n_bootstraps == 1000


def test_sample_weights_are_those_of_the_score():
    X, y = binary()
    weights = np.where(np.arange(100) % 2, 1.0, 0.0)
    folds = [
        (np.delete(np.arange(100), test), test) for test in np.arange(100).reshape(20, 5).T.reshape(5, 20)
    ]
    search = grid(scoring="accuracy", cv=folds).fit(X, y, sample_weight=weights)
    # Scikit-learn before 1.7 does not pass them to the scorer.
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=1e-6)
    assert search.corrected_score_.n_bootstraps == 1000


@pytest.mark.parametrize("scoring", [["accuracy", "f1_macro"], two_scores])
def test_with_several_metrics_the_metric_of_refit_is_corrected(scoring, iris):
    name = "f1_macro" if isinstance(scoring, list) else "right"
    search = grid(scoring=scoring, refit=name, cv=3).fit(*iris)
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=0.03)
    rule = one_standard_error("max_depth", metric=name)
    assert search.set_params(refit=rule).fit(*iris).corrected_score_.n_candidates == 8
    for unclear in (False, lambda results: 0):
        with pytest.raises(AttributeError, match="refit does not say which"):
            _ = grid(scoring=scoring, refit=unclear, cv=3).fit(*iris).corrected_score_


def test_a_rule_selects_on_each_sample(iris):
    trees = {"max_depth": [1, 2, 3, 4, 5]}
    best, simple, fixed = (
        GridSearch(
            TREE, trees, refit=refit, return_predictions=True, cv=KFold(5, shuffle=True, random_state=0)
        )
        .fit(*iris)
        .corrected_score_
        for refit in (True, within_percent(50, "max_depth"), lambda results: 3)
    )
    assert simple.pooled_score < 0.7 < best.pooled_score  # a stump, always
    assert simple.score == pytest.approx(simple.pooled_score, abs=0.01)
    # Nothing is chosen, so nothing is optimistic.
    assert fixed.score == pytest.approx(fixed.pooled_score, abs=0.01)
    # Always the best by the mean over the folds: hardly another one than by all rows together.
    search = GridSearch(
        TREE, trees, return_predictions=True, refit=lambda table: table["rank_test_score"].argmin()
    )
    ours = GridSearch(TREE, trees, return_predictions=True)
    assert search.fit(*iris).corrected_score_.score == pytest.approx(
        ours.fit(*iris).corrected_score_.score, abs=0.01
    )


def test_only_candidates_with_the_full_budget_are_compared(iris):
    space = {"n_neighbors": [1, 5, 10, 20, 80, 90, 100, 110]}
    raced = RandomSearch(
        KNeighborsClassifier(), space, n_iter=8, racing=True, random_state=0, return_predictions=True
    ).fit(*iris)
    assert raced.corrected_score_.n_candidates == 4
    ladder = HyperbandSearchCV(
        SVC(), {"C": [1e-4, 1e-3, 1e-2, 1, 10, 100]}, n_candidates=6, random_state=0, return_predictions=True
    ).fit(*iris)
    on_top = (ladder.cv_results_["n_folds"] == 5).sum()
    assert ladder.corrected_score_.n_candidates == on_top < 6


# -- searches without a corrected score ----------------------------------------------------------------------


def test_an_unfitted_search_and_a_search_without_predictions(iris):
    with pytest.raises(NotFittedError):
        _ = grid().corrected_score_
    search = grid().set_params(return_predictions=False).fit(*iris)
    assert not hasattr(search, "corrected_score_")
    with pytest.raises(AttributeError, match="return_predictions=False"):
        _ = search.corrected_score_


@pytest.mark.parametrize(
    "estimator, params, message",
    [
        (ScoresItself(), {}, "do not follow from the predictions"),
        (ScoresItself(), {"scoring": asks_for_value}, "needs more than predictions: AttributeError"),
        (KMeans(2, n_init=1, random_state=0), {}, "needs more than predictions"),
    ],
)
def test_scores_that_do_not_follow_from_predictions(estimator, params, message, iris):
    search = GridSearch(estimator, {}, return_predictions=True, **params).fit(*iris)
    with pytest.raises(AttributeError, match=f"no corrected_score_: .*{message}"):
        _ = search.corrected_score_


def test_without_targets():
    search = GridSearch(KMeans(2, n_init=1, random_state=0), {}, return_predictions=True).fit(noise()[0])
    with pytest.raises(AttributeError, match="no targets"):
        _ = search.corrected_score_


def test_candidates_without_predictions(iris):
    search = (
        grid(warm_start=True)
        .set_params(return_predictions=False, param_grid={"max_depth": [1, 2]})
        .fit(*iris)
    )
    search.set_params(return_predictions=True, param_grid={"max_depth": [1, 2, 3]}).fit(*iris)
    with pytest.raises(AttributeError, match=r"no predictions of candidate [01]: .* evaluated without"):
        _ = search.corrected_score_


def test_a_metric_that_is_undefined_on_most_samples():
    X, y = noise(30)
    y[:] = 0
    y[:2] = 1  # one in each fold
    search = GridSearch(
        GaussianNB(), {}, cv=StratifiedKFold(2), scoring="roc_auc", return_predictions=True
    ).fit(X, y)
    with pytest.raises(AttributeError, match="not defined on"):
        _ = search.corrected_score_


@pytest.mark.filterwarnings("ignore:R\\^2 score is not well-defined")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_candidates_without_a_score():
    X, y = load_diabetes(return_X_y=True)
    search = GridSearch(Ridge(), {"alpha": [1, 2]}, cv=KFold(10), return_predictions=True).fit(X[:10], y[:10])
    with pytest.raises(AttributeError, match="no candidate has a score"):
        _ = search.corrected_score_


def test_leave_one_out(iris):
    search = GridSearch(Ridge(), {"alpha": [1, 2]}, cv=KFold(150), scoring="neg_mean_squared_error")
    search.set_params(return_predictions=True).fit(*iris)
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_)
