"""The checked arguments of ``fit``, the parameters routed from them, and what scores depend on."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from sklearn.utils import get_tags
from sklearn.utils.validation import indexable

from skhpt import fingerprint
from skhpt._compat import check_method_params
from skhpt._typing import ArrayLike, Estimator, Params, Scorer
from skhpt.fingerprint import Fingerprint
from skhpt.fitting.resources import FullTraining
from skhpt.fitting.slicing import data_can_be_shared, is_read_only, scorer_is_read_only
from skhpt.session.folds import Folds
from skhpt.user_code import describe_user_code


@dataclass(frozen=True)
class Inputs:
    """The data of a search, and how an estimator is scored on it.

    Attributes
    ----------
    estimator : estimator
        Clone of the search's estimator, which is cloned again for every fit.
    X, y : array-like
        The data; `y` is None without a target.
    params : dict
        Further arguments of ``fit``.
    fit_params, score_params, split_params : dict
        The part of them that is routed to the estimator, to the scorer and to the splitter.
    scorer : callable
        ``scorer(estimator, X, y) -> float or dict``, or scikit-learn's multimetric scorer.
    refit_metric : str
        Name of the metric that decides which candidate is the best.
    """

    estimator: Estimator
    X: ArrayLike
    y: ArrayLike
    params: Params
    fit_params: Params
    score_params: Params
    split_params: Params
    scorer: Scorer
    refit_metric: str


def check_target(estimator: Estimator, y: ArrayLike, search_name: str) -> None:
    """Check that there is a target if the estimator needs one.

    Raises
    ------
    ValueError
        If `y` is None and the ``fit`` of the estimator requires it.
    """
    if y is None and _requires_target(estimator):
        raise ValueError(
            f"{search_name} with {type(estimator).__name__} requires y to be passed, but the target y is None"
        )


def check_data(X: ArrayLike, y: ArrayLike, params: Params) -> tuple[ArrayLike, ArrayLike, Params]:
    """Return data that can be indexed by rows, and further arguments of ``fit`` of matching length."""
    X, y = indexable(X, y)
    return X, y, check_method_params(X, params=params)


def _requires_target(estimator: Estimator) -> bool:
    """Return whether the tags require a target and the ``fit`` of the estimator has no default for it."""
    if not get_tags(estimator).target_tags.required:
        return False
    y: Any = inspect.signature(estimator.fit).parameters.get("y")
    return y is None or y.default is y.empty


def can_share_slices(inputs: Inputs) -> bool:
    """Return whether candidates may use the same slices of the data: neither estimator nor scorer writes to them."""
    return (
        is_read_only(inputs.estimator) and scorer_is_read_only(inputs.scorer) and data_can_be_shared(inputs.X)
    )


def fingerprint_of(
    inputs: Inputs,
    folds: Folds,
    training: FullTraining,
    *,
    scoring: Any,
    return_train_score: bool,
    candidates: Any = None,
) -> Fingerprint:
    """Describe everything besides the candidates that scores depend on, and the code of the candidates.

    `candidates` is the search space or the list of candidates as the user gave it.
    """
    return Fingerprint(
        data=fingerprint.describe_data(inputs.X, inputs.y, inputs.params, is_stored=False),
        folds=fingerprint.describe_folds(folds),
        scoring=fingerprint.describe_scoring(scoring, return_train_score),
        estimator=fingerprint.describe_estimator(inputs.estimator) + str(training),
        code=describe_user_code(inputs.estimator, scoring, candidates=candidates),
    )
