"""Cost-complexity pruning: a tree is grown in full and then pruned, so that one tree serves every `ccp_alpha`."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from sklearn import ensemble, tree

from skhpt._typing import Estimator, Params
from skhpt.reuse.submodels.registry import register_submodel, with_fitted_state


def _can_be_pruned(estimator: Estimator) -> bool:
    return hasattr(estimator, "_prune_tree")  # scikit-learn's pruning, the last step of `fit`


def _trees_can_be_pruned(forest: Estimator) -> bool:
    # the out-of-bag score depends on the pruned trees
    return not forest.warm_start and not forest.oob_score and _can_be_pruned(forest.estimator)


def _no_pruning(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    return {"ccp_alpha": 0.0}


def _prune(full_tree: Estimator, estimator: Estimator) -> Estimator:
    view = with_fitted_state(estimator, full_tree)
    view._prune_tree()  # gives the view another `tree_`; the full tree stays as it is
    return view


def _prune_all(forest: Estimator, estimator: Estimator) -> Estimator:
    pruned_trees = []
    for full_tree in forest.estimators_:
        pruned = copy(full_tree)
        pruned.ccp_alpha = estimator.ccp_alpha
        pruned._prune_tree()  # gives the copy another `tree_`
        pruned_trees.append(pruned)
    return with_fitted_state(estimator, forest, estimators_=pruned_trees)


for single in (
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
    tree.ExtraTreeClassifier,
    tree.ExtraTreeRegressor,
):
    register_submodel(single, "ccp_alpha", _prune, is_exact=_can_be_pruned, widest=_no_pruning)
for forest in (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
):
    register_submodel(forest, "ccp_alpha", _prune_all, is_exact=_trees_can_be_pruned, widest=_no_pruning)
