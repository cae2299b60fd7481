"""Registration of sub-models."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sklearn.tree import DecisionTreeClassifier

from skhpt import register_submodel
from skhpt.reuse.submodels import registered_submodels, submodels_of


@pytest.fixture
def tree_class() -> Any:
    """Return a class without sub-models."""

    class Tree(DecisionTreeClassifier):
        pass

    return Tree


def same_model(model: Any, estimator: Any) -> Any:
    return model


def test_a_later_registration_of_the_same_parameters_replaces_an_earlier_one(tree_class: Any) -> None:
    register_submodel(tree_class, "max_depth", same_model, grows=True)
    register_submodel(tree_class, ["max_depth"], same_model)
    [submodel] = submodels_of(tree_class())
    assert submodel.parameters == ("max_depth",)
    assert not submodel.grows


def test_an_exact_and_a_close_submodel_of_the_same_parameters_are_both_kept(tree_class: Any) -> None:
    register_submodel(tree_class, "max_depth", same_model)
    register_submodel(tree_class, "max_depth", same_model, is_close=True)
    assert [submodel.is_close for submodel in submodels_of(tree_class())] == [False, True]


def test_estimators_for_which_is_exact_returns_false_have_no_submodel(tree_class: Any) -> None:
    register_submodel(tree_class, "max_depth", same_model, lambda tree: tree.splitter == "best")
    assert submodels_of(tree_class())
    assert not submodels_of(tree_class(splitter="random"))


def test_subclasses_do_not_inherit_submodels(tree_class: Any) -> None:
    assert submodels_of(DecisionTreeClassifier())
    assert not submodels_of(tree_class())


def test_the_time_of_a_separate_fit_is_a_fraction_of_the_shared_fit_where_fits_grow(tree_class: Any) -> None:
    register_submodel(tree_class, "max_depth", same_model, grows=True)
    [submodel] = submodels_of(tree_class())
    assert submodel.widest([tree_class(max_depth=2), tree_class(max_depth=8)], ["max_depth"]) == {
        "max_depth": 8
    }
    assert submodel.time_fraction(tree_class(max_depth=2), {"max_depth": 8}) == 0.25


def test_only_registrations_outside_the_package_are_foreign(tree_class: Any) -> None:
    register_submodel(tree_class, "max_depth", same_model)
    for submodel in registered_submodels():
        assert submodel.is_foreign == (
            not submodel.estimator.__module__.startswith(("sklearn.", "lightgbm.", "xgboost."))
        )


def test_optional_packages_are_not_imported_before_they_are_used() -> None:
    code = "import sys, skhpt; sys.exit(bool({'lightgbm', 'xgboost'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
