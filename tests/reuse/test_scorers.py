"""Scorers that look at the model, change it, or keep state: scores and calls are those of scikit-learn's search."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_selection import RFECV
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, f1_score, get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch
from tests.reuse.comparison import columns_of, n_saved

X, y = load_iris(return_X_y=True)
ROWS = np.random.default_rng(0).permutation(150)[:75]
X, y = X[ROWS], y[ROWS]
#: Classes of models that the method `LoggingModel.score` has seen.
SEEN: list[str] = []


def accuracy(model: Any, X: Any, y: Any) -> float:
    return float(np.mean(model.predict(X) == y))


def fitted(search_class: Any, estimator: Any, grid: Any, make_scoring: Callable[[list[Any]], Any]) -> Any:
    """Return a fitted search, and what its scorer has written down."""
    log: list[Any] = []
    options = {"cv": 3, "return_train_score": True, "refit": False, "error_score": "raise"}
    search = search_class(estimator, grid, scoring=make_scoring(log), **options)
    return search.fit(X.copy(), y.copy()), log


def assert_same_search(estimator: Any, grid: Any, make_scoring: Callable[[list[Any]], Any]) -> Any:
    """Compare all scores and calls, and return the fitted search."""
    expected, expected_log = fitted(GridSearchCV, estimator, grid, make_scoring)
    found, log = fitted(GridSearch, estimator, grid, make_scoring)
    columns = columns_of(found)
    for name, column in columns_of(expected).items():
        np.testing.assert_array_equal(columns[name], column, err_msg=name)
    assert log == expected_log
    return found


def minus(name: str) -> Callable[..., float]:
    return lambda model, X, y: accuracy(model, X, y) - 0.001 * model.get_params()[name]


def minus_iterations(model: Any, X: Any, y: Any) -> float:
    return accuracy(model, X, y) - model.max_iter / 10_000


def minus_neighbors_and_mean(model: Any, X: Any, y: Any) -> dict[str, float]:
    return {"k": -model[-1].n_neighbors, "mean": float(model.named_steps["standardscaler"].mean_.sum())}


def number_of_trees(model: Any, X: Any, y: Any) -> int:
    return sum(tree.tree_.node_count for tree in model.estimators_)


READING = {
    "penalty that is off": (
        LogisticRegression(C=np.inf, solver="lbfgs", max_iter=50),
        {"random_state": [0, 50, 100]},
        minus("random_state"),
    ),
    "iterations after convergence": (
        make_pipeline(StandardScaler(), LinearSVC(random_state=0)),
        {"linearsvc__max_iter": [2000, 3000]},
        minus("linearsvc__max_iter"),
    ),
    "attribute of the model": (SGDClassifier(random_state=0), {"max_iter": [1000, 2000]}, minus_iterations),
    "steps": (
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        {"kneighborsclassifier__n_neighbors": [1, 5], "kneighborsclassifier__leaf_size": [10, 20]},
        minus_neighbors_and_mean,
    ),
    "trees of a forest": (
        RandomForestClassifier(random_state=0),
        {"n_estimators": [2, 5], "verbose": [0, 0]},
        number_of_trees,
    ),
    "partial function": (
        SVC(kernel="linear"),
        {"degree": [2, 3, 4]},
        partial(lambda price, model, X, y: accuracy(model, X, y) - price * model.degree, 0.01),
    ),
}


@pytest.mark.parametrize("name", READING)
def test_a_scorer_that_reads_the_model_reads_that_of_the_candidate(name: str) -> None:
    estimator, grid, scorer = READING[name]
    assert_same_search(estimator, grid, lambda log: scorer)


def test_steps_before_a_model_are_shared_with_a_scorer_that_reads_it() -> None:
    search = assert_same_search(
        make_pipeline(StandardScaler(), MinMaxScaler(), SVC()),
        {"svc__C": [0.1, 1, 10]},
        lambda log: minus("svc__C"),
    )
    assert n_saved(search) == 2 * 2 * 3  # two scalers, for two of three candidates, on three folds
    assert "the scorer reads the model" in str(search.reuse_report_)


def forgets_a_tree(model: Any, X: Any, y: Any) -> float:
    score = accuracy(model, X, y)
    model.estimators_.pop()
    return score + accuracy(model, X, y)


def zeroes_a_feature(model: Any, X: Any, y: Any) -> float:
    score = accuracy(model, X, y)
    model.coef_[:, 0] = 0.0
    return score + accuracy(model, X, y)


def shifts_the_scaler(model: Any, X: Any, y: Any) -> float:
    model[0].mean_ += 0.5
    return accuracy(model, X, y)


def renames_classes(model: Any, X: Any, y: Any) -> float:
    labels, score = model.classes_, accuracy(model, X, y)
    labels[:] = labels[::-1].copy()
    return score


def replaces_the_model(model: Any, X: Any, y: Any) -> float:
    score = accuracy(model, X, y)
    model.steps[-1] = ("tree", DecisionTreeClassifier(random_state=0).fit(model[:-1].transform(X), y))
    return score + accuracy(model, X, y)


def clears_the_data(model: Any, X: Any, y: Any) -> float:
    score = accuracy(model, X, y)
    X[:], y[:] = 0.0, 0
    return score


CHANGING = {
    "forest": (RandomForestClassifier(random_state=0), {"n_estimators": [3, 5, 7]}, forgets_a_tree),
    "coefficients": (LogisticRegression(), {"max_iter": [200, 300]}, zeroes_a_feature),
    "scaler": (make_pipeline(StandardScaler(), GaussianNB()), None, shifts_the_scaler),
    "classes": (KNeighborsClassifier(), {"n_neighbors": [1, 3, 5]}, renames_classes),
    "last step": (make_pipeline(StandardScaler(), GaussianNB()), None, replaces_the_model),
    "data": (make_pipeline(StandardScaler(), GaussianNB()), None, clears_the_data),
}


@pytest.mark.parametrize("name", CHANGING)
def test_a_scorer_that_changes_the_model_changes_only_that_of_the_candidate(name: str) -> None:
    estimator, grid, scorer = CHANGING[name]
    search = assert_same_search(
        estimator, grid or {"gaussiannb__var_smoothing": [1e-9, 1e-2, 1.0]}, lambda log: scorer
    )
    assert "the scorer may keep state or change the model" in str(search.reuse_report_)


class Logger:
    """Scorer that writes down the parameters of the models that it scores."""

    def __init__(self, log: list[Any]):
        self.log = log

    def __call__(self, model: Any, X: Any, y: Any) -> float:
        self.log.append((str(model), X.shape, y[:3].tolist()))
        return accuracy(model, X, y)

    def tired(self, model: Any, X: Any, y: Any) -> float:
        self.log.append(len(self.log))
        return accuracy(model, X, y) - len(self.log) / 1000


def count_in_a_closure(log: list[Any]) -> Callable[..., float]:
    n_calls = 0

    def scorer(model: Any, X: Any, y: Any) -> float:
        nonlocal n_calls
        n_calls += 1
        return accuracy(model, X, y) - n_calls / 1000

    return scorer


def count_in_an_attribute(log: list[Any]) -> Callable[..., float]:
    def scorer(model: Any, X: Any, y: Any) -> float:
        scorer.calls += 1  # type: ignore[attr-defined]
        return accuracy(model, X, y) - scorer.calls / 1000  # type: ignore[attr-defined]

    scorer.calls = 0  # type: ignore[attr-defined]
    return scorer


def log_in_a_default(log: list[Any]) -> Callable[..., float]:
    def scorer(model: Any, X: Any, y: Any, calls: list[Any] = log) -> float:
        calls.append(type(model).__name__)
        return accuracy(model, X, y)

    return scorer


def writes_out_by_position(log: list[Any]) -> Any:
    def metric(y_true: Any, y_pred: Any) -> float:
        score = accuracy_score(y_true, y_pred)
        np.add(y_true, 1, y_true)
        return score

    return make_scorer(metric)


def rounds_a_mean_in_place(log: list[Any]) -> Callable[..., float]:
    def scorer(model: Any, X: Any, y: Any) -> float:
        score = accuracy(model, X, y)
        model[0].mean_.round(0, model[0].mean_)
        return score

    return scorer


def passes_on_a_function_that_writes(log: list[Any]) -> Callable[..., float]:
    def scorer(model: Any, X: Any, y: Any) -> float:
        score, mean = accuracy(model, X, y), model[0].mean_
        list(map(np.sqrt, [mean], [mean]))
        return score

    return scorer


def writes_out_by_name(log: list[Any]) -> Any:
    total = np.zeros(1)
    options = {"out": total}

    def metric(y_true: Any, y_pred: Any) -> float:
        np.add(total, 1.0, **options)
        return accuracy_score(y_true, y_pred) - float(total[0]) / 1000

    return make_scorer(metric)


def adds_to_an_array(log: list[Any]) -> Any:
    totals = np.zeros(1)

    def metric(y_true: Any, y_pred: Any) -> float:
        total = totals
        total += 1.0
        return accuracy_score(y_true, y_pred) - float(total[0]) / 1000

    return make_scorer(metric)


def metric_in_disguise(log: list[Any]) -> Any:
    """Make a scorer of a metric that says that it is one of scikit-learn's."""

    @wraps(accuracy_score)
    def metric(y_true: Any, y_pred: Any) -> float:
        log.append(y_pred[:3].tolist())
        return accuracy_score(y_true, y_pred) - len(log) / 1000

    return make_scorer(metric)


class Scorer(type(get_scorer("accuracy"))):  # type: ignore[misc]
    """Subclass of a known class, with a log."""

    def _score(self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any) -> float:
        self._kwargs["log"].append(len(X))
        return accuracy(estimator, X, y_true)


STATEFUL = {
    "object": Logger,
    "method": lambda log: Logger(log).tired,
    "closure": count_in_a_closure,
    "attribute of the function": count_in_an_attribute,
    "default argument": log_in_a_default,
    "output by position": writes_out_by_position,
    "output of a method": rounds_a_mean_in_place,
    "function as an argument": passes_on_a_function_that_writes,
    "output by name": writes_out_by_name,
    "array with two names": adds_to_an_array,
    "metric": metric_in_disguise,
    "metric of an object": lambda log: make_scorer(lambda y, p: log.append(1) or float(len(log))),
    "partial": lambda log: partial(lambda log, model, X, y: log.append(1) or float(len(log)), log),
    "subclass of scikit-learn's scorer": lambda log: Scorer(accuracy_score, 1, {"log": log}, "predict"),
    "one of several": lambda log: {
        "a": "accuracy",
        "b": Logger(log),
        "c": make_scorer(f1_score, average="macro"),
    },
    "draws": lambda log: lambda model, X, y: np.random.RandomState(len(log)).uniform() + log.append(1) or 0.0,
}


@pytest.mark.parametrize("name", sorted(set(STATEFUL) - {"draws"}))
def test_a_scorer_with_state_is_called_as_by_scikit_learn(name: str) -> None:
    pipe = make_pipeline(StandardScaler(), KNeighborsClassifier())
    grid = {
        "kneighborsclassifier__n_neighbors": [1, 3, 3],
        "kneighborsclassifier__weights": ["uniform", "distance"],
    }
    search = assert_same_search(pipe, grid, STATEFUL[name])
    assert n_saved(search) == 0
    assert any(reason in str(search.reuse_report_) for reason in ("the scorer may keep state", "writes to"))


@pytest.mark.parametrize(("module", "name"), [(sklearn.metrics, "hamming_loss"), (np, "polyval")])
def test_a_function_that_replaces_a_known_one_is_not_known(module: Any, name: str, monkeypatch: Any) -> None:
    def make_scoring(log: list[Any]) -> Any:
        def replacement(y_true: Any, y_pred: Any) -> float:
            log.append(len(y_true))
            return accuracy_score(y_true, y_pred) - len(log) / 1000

        replacement.__name__ = name
        monkeypatch.setattr(module, name, replacement)
        return make_scorer(replacement)

    pipe = make_pipeline(StandardScaler(), GaussianNB())
    assert n_saved(assert_same_search(pipe, {"gaussiannb__var_smoothing": [1e-9, 1.0]}, make_scoring)) == 0


class DriftingScaler(StandardScaler):
    """Scaler that changes whenever it transforms."""

    def transform(self, X: Any, copy: Any = None) -> Any:
        scaled = super().transform(X)
        self.mean_ = self.mean_ + 0.1
        return scaled


def test_a_scorer_that_catches_everything_does_not_hide_that_a_step_changes() -> None:
    def scorer(model: Any, X: Any, y: Any) -> float:
        try:
            return accuracy(model, X, y)
        except BaseException:
            return 0.0

    for pipe in (make_pipeline(DriftingScaler(), GaussianNB()), make_pipeline(MinMaxScaler(), GaussianNB())):
        search = assert_same_search(pipe, {"gaussiannb__var_smoothing": [1e-9, 1.0]}, lambda log: scorer)
    assert n_saved(search) > 0


class LoggingModel(GaussianNB):
    """Model whose own ``score`` keeps a log."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        SEEN.append(str(self.var_smoothing))
        return super().score(X, y) - len(SEEN) / 1000


class Replaced(ClassifierMixin, BaseEstimator):
    """Model that replaces its ``score`` when it is made."""

    def __init__(self, value: int = 0):
        self.value = value
        self.score = self._count

    def fit(self, X: Any, y: Any) -> Replaced:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[self.value])

    def _count(self, X: Any, y: Any) -> float:
        SEEN.append(str(self.value))
        return float(len(SEEN))


class Priced(KNeighborsClassifier):
    """Subclass of a known model whose ``score`` depends on a parameter without effect on the fit."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return float(np.mean(self.predict(X) == y)) - self.leaf_size / 1000


OWN_SCORES = {
    "log": (LoggingModel(), {"var_smoothing": [1e-9, 1e-2, 1e-2]}),
    "log behind a scaler": (
        make_pipeline(StandardScaler(), LoggingModel()),
        {"loggingmodel__var_smoothing": [1e-9, 1.0]},
    ),
    "attribute": (make_pipeline(StandardScaler(), Replaced()), {"replaced__value": [0, 1, 2]}),
    "parameter": (
        make_pipeline(StandardScaler(), Priced(algorithm="brute")),
        {"priced__leaf_size": [10, 20, 30]},
    ),
    "one of two models": (
        make_pipeline(StandardScaler(), GaussianNB()),
        {"gaussiannb": [GaussianNB(), LoggingModel(), Priced(), LoggingModel()]},
    ),
}


@pytest.mark.parametrize("name", OWN_SCORES)
def test_a_score_of_the_model_itself_is_called_as_by_scikit_learn(name: str) -> None:
    def start_anew(log: list[Any]) -> None:
        SEEN.clear()

    assert_same_search(*OWN_SCORES[name], start_anew)


def test_a_scorer_without_state_shares_all_fits_that_scikit_learns_metrics_share() -> None:
    def error(y_true: Any, y_pred: Any) -> float:
        wrong = y_true != y_pred
        return float(np.sqrt(wrong.mean()))

    def scorer(model: Any, X: Any, y: Any) -> dict[str, float]:
        predicted = model.predict(X)
        return {"a": accuracy_score(y, predicted), "b": f1_score(y, predicted, average="macro")}

    pipe = make_pipeline(StandardScaler(), RandomForestClassifier(random_state=0))
    grid = {"randomforestclassifier__n_estimators": [2, 3, 5]}
    savings = {
        n_saved(assert_same_search(pipe, grid, lambda log, one=one: one))
        for one in ("accuracy", make_scorer(error, greater_is_better=False), scorer)
    }
    assert savings == {2 * 2 * 3}


def test_predictions_are_those_of_the_model_before_the_scorer_changed_it() -> None:
    def learns(model: Any, X: Any, y: Any) -> float:
        return float(model.fit(X, y).score(X, y))

    search = GridSearch(
        KNeighborsClassifier(1), {"n_neighbors": [1, 3]}, scoring=learns, cv=3, return_predictions=True
    )
    plain = GridSearch(KNeighborsClassifier(1), {"n_neighbors": [1, 3]}, cv=3, return_predictions=True)
    for candidate in (0, 1):
        found, expected = (one.fit(X, y).out_of_fold_predictions(candidate) for one in (search, plain))
        np.testing.assert_array_equal(found, expected)


def test_sample_weights_that_a_metric_writes_to_are_not_shared() -> None:
    def metric(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        score = float(np.average(y_true == y_pred, weights=sample_weight))
        sample_weight[y_true == 1] = 0.0
        return score

    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(metric).set_score_request(sample_weight=True)
        scores = []
        for search_class in (GridSearchCV, GridSearch):
            steps = (StandardScaler(), GaussianNB())
            model = make_pipeline(*(step.set_fit_request(sample_weight=False) for step in steps))
            search = search_class(
                model, {"gaussiannb__var_smoothing": [1e-9, 1.0, 5.0]}, scoring=scorer, cv=3
            )
            search.fit(X, y, sample_weight=np.linspace(1, 2, len(y)))
            scores.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*scores)


def test_members_of_a_vote_are_read_but_not_changed() -> None:
    vote = VotingClassifier(
        [("nb", GaussianNB()), ("tree", DecisionTreeClassifier(random_state=0))], voting="soft"
    )

    def depth(model: Any, X: Any, y: Any) -> float:
        return accuracy(model, X, y) + model.named_estimators_["tree"].get_depth()

    assert_same_search(vote, {"weights": [[1, 2], [2, 1]], "tree__max_depth": [1, 2]}, lambda log: depth)


def _search_inside(scorer: Any, search_class: Any) -> Any:
    return search_class(GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, cv=2, scoring=scorer)


SCORERS_INSIDE = {
    "selector": (lambda scorer: RFECV(LogisticRegression(), cv=2, scoring=scorer), "step__estimator__C"),
    "search": (lambda scorer: _search_inside(scorer, GridSearchCV), "step__verbose"),
    "search of ours": (lambda scorer: _search_inside(scorer, GridSearch), "step__verbose"),
}


@pytest.mark.parametrize("name", SCORERS_INSIDE)
def test_a_scorer_with_state_inside_a_step_is_called_as_by_scikit_learn(name: str) -> None:
    make, parameter = SCORERS_INSIDE[name]
    results = []
    for search_class in (GridSearchCV, GridSearch):
        log: list[Any] = []
        estimator = Pipeline([("scale", StandardScaler()), ("step", make(Logger(log).tired))])
        if name == "selector":
            estimator.steps.append(("model", GaussianNB()))
        search = search_class(estimator, {parameter: [0, 0] if name != "selector" else [0.1, 1.0]}, cv=2)
        search.set_params(scoring="accuracy", refit=False).fit(X, y)
        results.append((search.cv_results_["mean_test_score"].tolist(), log))
    assert results[0] == results[1]


def test_a_regressor_is_read_too() -> None:
    def size(model: Any, X: Any, y: Any) -> float:
        return float(abs(model.coef_).sum()) - model.alpha

    assert_same_search(Ridge(), {"alpha": [0.1, 1.0], "max_iter": [None, 10]}, lambda log: size)
