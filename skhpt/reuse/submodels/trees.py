"""Ensembles that contain smaller ensembles: the first members of a large one are the smaller one."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn import ensemble

from skhpt._typing import Estimator, Params
from skhpt.reuse.submodels.registry import register_submodel, with_fitted_state


def _starts_from_scratch(estimator: Estimator) -> bool:
    return not estimator.warm_start


def _has_no_oob_score(estimator: Estimator) -> bool:
    # the out-of-bag score depends on all members
    return not estimator.warm_start and not estimator.oob_score


def _has_fixed_offset(forest: Estimator) -> bool:
    # with a number as contamination, the offset of an isolation forest depends on all members
    return not forest.warm_start and forest.contamination == "auto"


def _first_values(model: Estimator, names: Sequence[str], n: int) -> Params:
    """Return the first `n` values of some attributes of a model."""
    return {name: getattr(model, name)[:n] for name in names}


def _first_trees(forest: Estimator, estimator: Estimator) -> Estimator:
    first = _first_values(forest, ["estimators_"], estimator.n_estimators)
    return with_fitted_state(estimator, forest, **first)


def _first_members(bagging: Estimator, estimator: Estimator) -> Estimator:
    # `_seeds` are the seeds with which `estimators_samples_` draws the rows of each member again
    names = ("estimators_", "estimators_features_", "_seeds")
    return with_fitted_state(estimator, bagging, **_first_values(bagging, names, estimator.n_estimators))


def _first_boosts(boosting: Estimator, estimator: Estimator) -> Estimator:
    names = ("estimators_", "estimator_weights_", "estimator_errors_")
    return with_fitted_state(estimator, boosting, **_first_values(boosting, names, estimator.n_estimators))


def _first_stages(boosting: Estimator, estimator: Estimator) -> Estimator:
    n = min(estimator.n_estimators, boosting.n_estimators_)  # early stopping may have ended the fit
    names = ("estimators_", "train_score_", "oob_improvement_", "oob_scores_")
    first = _first_values(boosting, [name for name in names if hasattr(boosting, name)], n)
    if "oob_scores_" in first:
        first["oob_score_"] = first["oob_scores_"][-1]
    return with_fitted_state(estimator, boosting, n_estimators_=n, **first)


def _first_iterations(boosting: Estimator, estimator: Estimator) -> Estimator:
    n = estimator.max_iter
    view = with_fitted_state(
        estimator,
        boosting,
        _predictors=boosting._predictors[:n],  # the trees, a list for each iteration
        train_score_=boosting.train_score_[: n + 1],
        validation_score_=boosting.validation_score_[: n + 1],
    )
    # early stopping leaves an instance attribute `_raw_predict` that is bound to the larger model
    view.__dict__.pop("_raw_predict", None)
    return view


for forest in (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
):
    register_submodel(forest, "n_estimators", _first_trees, is_exact=_has_no_oob_score, grows=True)
for bagging in (ensemble.BaggingClassifier, ensemble.BaggingRegressor):
    register_submodel(bagging, "n_estimators", _first_members, is_exact=_has_no_oob_score, grows=True)
register_submodel(
    ensemble.IsolationForest, "n_estimators", _first_members, is_exact=_has_fixed_offset, grows=True
)
for adaptive in (ensemble.AdaBoostClassifier, ensemble.AdaBoostRegressor):
    register_submodel(adaptive, "n_estimators", _first_boosts, grows=True)
for boosting in (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor):
    register_submodel(boosting, "n_estimators", _first_stages, is_exact=_starts_from_scratch, grows=True)
for boosting in (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor):
    register_submodel(boosting, "max_iter", _first_iterations, is_exact=_starts_from_scratch, grows=True)
