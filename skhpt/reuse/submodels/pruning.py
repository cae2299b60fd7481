"""Trees that are grown whole and then cut back: whatever is cut off, the tree was grown the same."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from sklearn import ensemble, tree

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, register, take_over


def _can_be_cut(estimator: Any) -> bool:
    return hasattr(estimator, "_prune_tree")


def _can_all_be_cut(forest: Any) -> bool:
    # what is left out of the bag is scored by the trees that were cut
    return not forest.warm_start and not forest.oob_score and _can_be_cut(forest.estimator)


def _uncut(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    return {"ccp_alpha": 0.0}


def _cut(whole: Any, estimator: Any) -> Any:
    view = take_over(estimator, whole)
    view._prune_tree()  # puts another tree in the place of the whole one, which stays as it is
    return view


def _cut_all(forest: Any, estimator: Any) -> Any:
    members = []
    for whole in forest.estimators_:
        member = copy(whole)
        member.ccp_alpha = estimator.ccp_alpha
        member._prune_tree()
        members.append(member)
    return take_over(estimator, forest, estimators_=members)


for single in (
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
    tree.ExtraTreeClassifier,
    tree.ExtraTreeRegressor,
):
    register(SubModel(single, ("ccp_alpha",), _cut, is_exact=_can_be_cut, widest=_uncut))
for forest in (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
):
    register(SubModel(forest, ("ccp_alpha",), _cut_all, is_exact=_can_all_be_cut, widest=_uncut))
