"""How a search begins: bad input is refused, the folds are frozen, and what is known already is looked up."""

from __future__ import annotations

import inspect
from copy import deepcopy
from dataclasses import replace
from typing import Any

from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.validation import indexable

from skhpt import fingerprint
from skhpt._compat import check_method_params
from skhpt._warnings import warn_user
from skhpt.fingerprint import Fingerprint
from skhpt.fitting.fold import Setup
from skhpt.fitting.resources import FullTraining
from skhpt.fitting.slicing import data_can_be_shared, is_read_only, scorer_is_read_only
from skhpt.history import History
from skhpt.journal import read_stored
from skhpt.session.previous import continued_history, trials_from
from skhpt.session.resume import open_journal, splits_again
from skhpt.session.session import Folds, Session, freeze_folds
from skhpt.session.sklearn_callbacks import begin_callbacks
from skhpt.session.validation import check_limits, check_rule


def open_session(search: Any, X: Any, y: Any, params: dict[str, Any], keep: bool, with_pending: bool = True) -> Session:
    """Check all that does not depend on the strategy, freeze the folds, and look up what is known already.

    Nothing of the search changes: if it is refused, it goes on as it was.
    """
    base = clone(search.estimator)
    scorers, refit_metric = search._get_scorers()
    check_rule(search.refit, base, scorers, search._space())
    check_limits(search, scorers)
    if y is None and _needs_target(base):
        raise ValueError(
            f"{type(search).__name__} with {type(base).__name__} requires y to be passed, but the target y is None"
        )
    X, y = indexable(X, y)
    params = check_method_params(X, params=params)
    routed = search._get_routed_params_for_fit(params)
    callbacks = begin_callbacks(search, X, y, params)
    keep = keep and hasattr(search, "history_")
    stored = None if search.journal is None else read_stored(search.journal)
    facts = stored.header.metadata if stored else {}
    folds = search._folds if keep and search._folds and search._folds.are_those_of(search.cv) else None
    folds = folds or splits_again(search.cv, facts.get("folds", {}))
    folds = folds or freeze_folds(search.cv, X, y, is_classifier(base), routed.splitter.split)
    setup = _make_setup(search, base, scorers, routed, X, search._make_training(X, y, params, folds))
    mark = Fingerprint(
        data=fingerprint.describe_data(X, y, params),
        folds=fingerprint.describe_folds(folds),
        scoring=fingerprint.describe_scoring(search.scoring, search.return_train_score),
        estimator=fingerprint.describe_estimator(base) + str(setup.training),
    )
    history = _starting_history(search, mark, keep, with_pending)
    session = Session(X, y, params, folds, setup, refit_metric, mark, callbacks, history, len(history.finished))
    session = replace(session, random_state=getattr(search, "random_state", None))
    return session if search.journal is None else open_journal(search, session, stored)


def split_for_plan(search: Any, X: Any, y: Any, params: dict[str, Any]) -> tuple[Any, Any, dict[str, Any], Folds]:
    """Check the data and draw the folds that `fit` would draw, without using up anything."""
    if hasattr(search.cv, "__next__"):
        raise ValueError("plan would use up cv, which is a generator; make a list of it")
    X, y = indexable(X, y)
    params = check_method_params(X, params=params)
    split_params = search._get_routed_params_for_fit(params).splitter.split
    folds = freeze_folds(deepcopy(search.cv), X, y, is_classifier(search.estimator), split_params)
    return X, y, params, folds


def _make_setup(search: Any, estimator: Any, scorer: Any, routed: Any, X: Any, training: FullTraining) -> Setup:
    may_share = is_read_only(estimator) and scorer_is_read_only(scorer) and data_can_be_shared(X)
    return Setup(
        estimator=estimator,
        scorer=scorer,
        fit_params=routed.estimator.fit,
        score_params=routed.scorer.score,
        return_train_score=search.return_train_score,
        return_predictions=search.return_predictions,
        error_score=search.error_score,
        verbose=search.verbose,
        training=training,
        may_share=may_share,
    )


def _starting_history(search: Any, mark: Fingerprint, keep: bool, with_pending: bool) -> History:
    """Begin with what is known: the trials of the last fit (a warm start) or those of `previous`."""
    if keep:
        if changes := search._fingerprint.differences(mark):
            raise ValueError(
                "the candidates that were evaluated before are kept, but their scores cannot be compared with "
                f"new ones: {'; '.join(changes)}. To start anew, fit with warm_start=False."
            )
        return continued_history(search.history_, search.racing, with_pending)
    if search.previous is None:
        return History()
    comparable, trials = trials_from(search.previous, mark)
    if comparable:
        return continued_history(History(trials, n_earlier_trials=len(trials)), search.racing)
    if not search._learns_from_others:
        warn_user(
            f"the {len(trials)} candidates of previous are not used: they are not known to be scored on the same "
            "data, folds and metrics and with the same estimator, and "
            f"{type(search).__name__} does not learn from others."
        )
    return History(prior=trials)


def _needs_target(estimator: Any) -> bool:
    """Tell whether an estimator cannot be fitted without y: by its tags, unless its ``fit`` has a default for it."""
    if not get_tags(estimator).target_tags.required:
        return False
    y = inspect.signature(estimator.fit).parameters.get("y")
    return y is None or y.default is y.empty
