"""What a scorer needs of a model: it decides which fits candidates may share."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from typing import Any, NamedTuple

from sklearn.pipeline import Pipeline

from skhpt._typing import Estimator, Scorer
from skhpt.fitting.scorers import (
    is_default_scorer,
    is_sklearn_function,
    is_sklearn_metric,
    scorer_metric,
    scorers_by_metric,
)
from skhpt.reuse.code_effects import asks_first_argument_only_for, effects_of


class Needs(IntEnum):
    """Needs of a scorer, from those that allow most to those that allow least.

    Attributes
    ----------
    KNOWN_METRIC
        Predictions for a metric of scikit-learn. Equal models have equal scores.
    PREDICTIONS
        Predictions alone, for a function without state. It is called for every candidate.
    MODEL
        A model with the parameters and the fitted attributes of the candidate, which it only reads.
    EVERYTHING
        Anything: it may change the model, or keep state. Candidates are fitted and scored one by one, in
        scikit-learn's order.
    """

    KNOWN_METRIC = 0
    PREDICTIONS = 1
    MODEL = 2
    EVERYTHING = 3


class ScorerNeeds(NamedTuple):
    """Needs of the scorer of a search.

    Attributes
    ----------
    needs : Needs
        Needs of its most demanding metric.
    calls_score : bool
        Whether it may call the estimator's own ``score``, which has needs of its own.
    writes_data : bool
        Whether it may write to the rows or targets.
    """

    needs: Needs = Needs.KNOWN_METRIC
    calls_score: bool = False
    writes_data: bool = False

    @property
    def reason(self) -> str:
        """Why no fits can be shared; empty if fits can be shared."""
        if self.needs < Needs.EVERYTHING:
            return ""
        return "the scorer may keep state or change the model"


#: Needs of scikit-learn's metrics.
KNOWN_METRICS = ScorerNeeds()
#: Packages whose models have a ``score`` that asks for predictions alone.
_KNOWN_PACKAGES = ("catboost", "lightgbm", "xgboost")
#: Methods that ask a model for predictions alone. The estimator's own ``score`` is examined separately.
PREDICTING = frozenset({"predict", "predict_proba", "predict_log_proba", "decision_function", "score"})


def scorer_needs(scorer: Scorer, estimator: Estimator) -> ScorerNeeds:
    """Return the needs of the scorer of a search.

    Parameters
    ----------
    scorer : callable
        Scorer of one metric or of several.
    estimator : estimator
        The estimator of the search. Its parameters may be read.
    """
    names = _parameter_names(estimator)
    singles = list(scorers_by_metric(scorer).values())
    needs = max(_needs_of(single, names) for single in singles)
    calls_score = any(scorer_metric(single) is None for single in singles)
    writes_data = any(
        not is_default_scorer(single) and effects_of(single, names).writes for single in singles
    )
    return ScorerNeeds(needs, calls_score, writes_data)


def score_needs(estimator: Estimator) -> Needs:
    """Return the needs of an estimator's own ``score``, or of that of the last step of a pipeline."""
    last = estimator
    while type(last) is Pipeline and last.steps:
        last = last.steps[-1][1]
    if isinstance(last, str) or last is None:  # "passthrough"
        return Needs.KNOWN_METRIC
    score = getattr(type(last), "score", None)
    if "score" in getattr(last, "__dict__", ()):  # it hides that of the class
        return Needs.EVERYTHING
    if score is None or is_sklearn_function(score) or _package(score) in _KNOWN_PACKAGES:
        return Needs.KNOWN_METRIC
    return _needs_of_function(score, _parameter_names(last))


def has_state(scoring: Any) -> bool:
    """Return whether a parameter ``scoring`` of an estimator contains a scorer that may keep state."""
    if isinstance(scoring, dict):
        return any(map(has_state, scoring.values()))
    if isinstance(scoring, (list, tuple, set)):
        return any(map(has_state, scoring))
    return callable(scoring) and not is_default_scorer(scoring) and effects_of(scoring).has_state


def _package(function: Any) -> str:
    """Return the package in which a function is written."""
    module: str = getattr(function, "__globals__", {}).get("__name__", "")
    return module.partition(".")[0]


def _needs_of(scorer: Scorer, names: Collection[str]) -> Needs:
    """Return the needs of a scorer of one metric."""
    if is_default_scorer(scorer):
        return Needs.KNOWN_METRIC  # but see `score_needs`
    metric = scorer_metric(scorer)
    if metric is None:
        return _needs_of_function(scorer, names)
    if is_sklearn_metric(metric.function) and not effects_of(tuple(metric.params.values())).has_unknown:
        return Needs.KNOWN_METRIC
    # A metric sees the targets and the predictions, but not the model.
    has_state = effects_of((metric.function, *metric.params.values())).has_state
    return Needs.EVERYTHING if has_state else Needs.PREDICTIONS


def _needs_of_function(function: Any, names: Collection[str]) -> Needs:
    """Return the needs of ``function(estimator, X, y)``."""
    effects = effects_of(function, names)
    if effects.has_state:
        return Needs.EVERYTHING
    if asks_first_argument_only_for(function, PREDICTING):
        return Needs.PREDICTIONS
    return Needs.EVERYTHING if effects.writes else Needs.MODEL


def _parameter_names(estimator: Estimator) -> set[str]:
    try:
        params = estimator.get_params(deep=True)
    except Exception:  # the search raises an error of its own
        return set()
    return {name.rpartition("__")[2] for name in params}
