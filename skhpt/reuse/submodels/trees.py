"""Ensembles that hold every smaller ensemble: their first members are the smaller one."""

from __future__ import annotations

from typing import Any

from sklearn import ensemble

from skhpt.reuse.submodels.registry import SubModel, register, take_over


def is_fresh(estimator: Any) -> bool:
    """Tell whether a fit begins from nothing."""
    return not estimator.warm_start


def _counts_no_votes(estimator: Any) -> bool:
    return is_fresh(estimator) and not estimator.oob_score


def _has_no_threshold(estimator: Any) -> bool:
    return is_fresh(estimator) and estimator.contamination == "auto"


def _first_trees(forest: Any, estimator: Any) -> Any:
    return take_over(estimator, forest, estimators_=forest.estimators_[: estimator.n_estimators])


def _first_members(bagging: Any, estimator: Any) -> Any:
    names = ("estimators_", "estimators_features_", "_seeds")
    return take_over(estimator, bagging, **{name: getattr(bagging, name)[: estimator.n_estimators] for name in names})


def _first_boosts(boosting: Any, estimator: Any) -> Any:
    names = ("estimators_", "estimator_weights_", "estimator_errors_")
    return take_over(estimator, boosting, **{name: getattr(boosting, name)[: estimator.n_estimators] for name in names})


def _first_stages(boosting: Any, estimator: Any) -> Any:
    n = min(estimator.n_estimators, boosting.n_estimators_)  # it may have stopped early
    names = ("estimators_", "train_score_", "oob_improvement_", "oob_scores_")
    state = {name: getattr(boosting, name)[:n] for name in names if hasattr(boosting, name)}
    if "oob_scores_" in state:
        state["oob_score_"] = state["oob_scores_"][-1]
    return take_over(estimator, boosting, n_estimators_=n, **state)


def _first_iterations(boosting: Any, estimator: Any) -> Any:
    n = estimator.max_iter
    view = take_over(
        estimator,
        boosting,
        _predictors=boosting._predictors[:n],
        train_score_=boosting.train_score_[: n + 1],
        validation_score_=boosting.validation_score_[: n + 1],
    )
    vars(view).pop("_raw_predict", None)  # early stopping leaves one that is bound to the larger model
    return view


for forest in (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
):
    register(SubModel(forest, ("n_estimators",), _first_trees, is_exact=_counts_no_votes, grows=True))
for bagging in (ensemble.BaggingClassifier, ensemble.BaggingRegressor):
    register(SubModel(bagging, ("n_estimators",), _first_members, is_exact=_counts_no_votes, grows=True))
register(SubModel(ensemble.IsolationForest, ("n_estimators",), _first_members, is_exact=_has_no_threshold, grows=True))
for adaptive in (ensemble.AdaBoostClassifier, ensemble.AdaBoostRegressor):
    register(SubModel(adaptive, ("n_estimators",), _first_boosts, grows=True))
for boosting in (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor):
    register(SubModel(boosting, ("n_estimators",), _first_stages, is_exact=is_fresh, grows=True))
for boosting in (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor):
    register(SubModel(boosting, ("max_iter",), _first_iterations, is_exact=is_fresh, grows=True))
