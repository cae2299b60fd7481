"""Fit graphs: the steps of a candidate, their keys, and reasons not to share their fits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from skhpt import register_submodel
from skhpt.reuse.steps import fit_graph
from skhpt.reuse.submodels import registry

MODEL = Pipeline([("scale", StandardScaler()), ("clf", DecisionTreeClassifier(random_state=0))])
FOREST = RandomForestClassifier(random_state=0)


def test_a_fit_graph_lists_the_steps_in_the_order_of_their_fits() -> None:
    nested = Pipeline([("head", Pipeline([("a", StandardScaler()), ("b", "passthrough")])), ("model", MODEL)])
    steps = fit_graph(nested, {"model__clf__max_depth": 3}).steps
    assert [step.path for step in steps] == ["head__a", "head", "model__scale", "model__clf"]
    assert [step.parent for step in steps] == ["head", None, None, None]
    assert [step.has_children for step in steps] == [False, True, False, False]
    assert steps[-1].estimator.max_depth == 3
    assert MODEL.get_params()["clf__max_depth"] is None  # the estimator of the user is not changed


def test_the_key_of_a_step_depends_on_the_steps_before_it() -> None:
    one, other = fit_graph(MODEL, {"scale__with_mean": True}), fit_graph(MODEL, {"scale__with_mean": False})
    same = fit_graph(MODEL, {"scale__with_mean": True, "clf__max_depth": None})
    assert one.steps[0].key != other.steps[0].key
    assert one.steps[1].key != other.steps[1].key
    assert [step.key for step in one.steps] == [step.key for step in same.steps]


def test_a_candidate_that_cannot_share_has_a_reason() -> None:
    assert fit_graph(MODEL.set_params(memory=None), {}).reason == ""
    assert "memory" in fit_graph(Pipeline(MODEL.steps, memory="somewhere"), {}).reason
    assert "copy=False" in fit_graph(MODEL, {"scale__copy": False}).reason
    assert "not valid" in fit_graph(FOREST, {"n_estimators": -1}).reason
    assert "not valid" in fit_graph(FOREST, {"nothing": 1}).reason


def test_steps_without_a_seed_are_listed() -> None:
    unseeded = fit_graph(Pipeline([("scale", StandardScaler()), ("clf", DecisionTreeClassifier())]), {})
    assert unseeded.draws.unseeded == {"clf"}
    assert not fit_graph(MODEL, {}).draws.unseeded


@pytest.mark.parametrize("estimator", [SVC(), SVR(), Lasso()])
def test_a_seed_that_is_drawn_but_not_used_is_irrelevant(estimator: Any) -> None:
    draws = fit_graph(estimator, {}).draws
    assert not draws.unseeded
    assert draws.irrelevant == {""}


@pytest.mark.parametrize(
    "estimator, may_draw",
    [
        (GaussianNB(), False),
        (MODEL, False),
        (Pipeline([("one_hot", OneHotEncoder(dtype=np.float64)), ("clf", LogisticRegression())]), False),
        (DecisionTreeClassifier(random_state=np.random.RandomState(0)), False),
        (DecisionTreeClassifier(), True),
        (DecisionTreeClassifier(random_state=np.random), True),
        (LogisticRegression(solver="saga"), True),
        (Lasso(), True),
        (KNeighborsClassifier(metric=euclidean_distances), True),
        (FunctionTransformer(np.exp), True),
    ],
)
def test_only_steps_without_a_seed_functions_and_other_classes_may_draw(
    estimator: Any, may_draw: bool
) -> None:
    assert fit_graph(estimator, {}).draws.may_draw == may_draw


def test_a_sub_model_of_a_user_may_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        registry, "_SUBMODELS", dict(registry._SUBMODELS)
    )  # other tests see no such sub-model
    register_submodel(NearestCentroid, "shrink_threshold", lambda model, estimator: None)
    assert fit_graph(NearestCentroid(), {}).draws.may_draw


def quiet_estimators() -> Iterator[Any]:
    """Yield estimators of scikit-learn that may not draw, with and without a seed."""
    for _, kind in all_estimators():
        with suppress(TypeError):  # it needs other estimators
            estimators = [kind(), kind()]
            if "random_state" in estimators[0].get_params():
                estimators[0].set_params(random_state=0)
            yield from (estimator for estimator in estimators if not fit_graph(estimator, {}).draws.may_draw)


@pytest.mark.filterwarnings("ignore")
def test_estimators_that_may_not_draw_do_not_draw() -> None:
    X, y = load_iris(return_X_y=True)
    n_fits = 0
    for estimator in quiet_estimators():
        before = str(np.random.get_state(legacy=False))
        for data in (X, sparse.csr_matrix(X)):
            with suppress(TypeError, ValueError):  # not all take sparse data
                fitted = estimator.fit(data, y)
                fitted.predict(data) if hasattr(fitted, "predict") else fitted.transform(data)
                n_fits += 1
        assert str(np.random.get_state(legacy=False)) == before, estimator
    assert n_fits > 80
