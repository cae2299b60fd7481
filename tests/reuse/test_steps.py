"""Fit graphs: the steps of a candidate, their keys, and reasons not to share their fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt.reuse.steps import fit_graph

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


def test_steps_without_a_seed_are_listed_unless_their_draws_are_irrelevant() -> None:
    unseeded = fit_graph(Pipeline([("scale", StandardScaler()), ("clf", DecisionTreeClassifier())]), {})
    assert list(unseeded.unseeded) == ["clf"]
    assert not fit_graph(MODEL, {}).unseeded
    svc = fit_graph(SVC(), {})
    assert not svc.unseeded
    assert svc.irrelevant_draws == {""}


@pytest.mark.parametrize(
    "estimator, may_draw",
    [
        (GaussianNB(), False),
        (MODEL, False),
        (Pipeline([("one_hot", OneHotEncoder(dtype=np.float64)), ("clf", LogisticRegression(random_state=0))]), False),
        (DecisionTreeClassifier(random_state=np.random.RandomState(0)), False),
        (DecisionTreeClassifier(), True),
        (DecisionTreeClassifier(random_state=np.random), True),
        (Lasso(), True),
        (Pipeline([("best", SelectKBest(mutual_info_classif)), ("clf", GaussianNB())]), True),
        (FunctionTransformer(np.exp), True),
    ],
)
def test_only_steps_without_a_seed_and_functions_may_draw(estimator: Any, may_draw: bool) -> None:
    assert fit_graph(estimator, {}).may_draw == may_draw
