"""The parts of a session that follow from the checked inputs: the fingerprint and the history that it starts with."""

from __future__ import annotations

from typing import Any

from skhpt import fingerprint
from skhpt.fingerprint import Fingerprint
from skhpt.fitting.resources import FullTraining
from skhpt.fitting.slicing import data_can_be_shared, is_read_only, scorer_is_read_only
from skhpt.history import History
from skhpt.session.folds import Folds
from skhpt.session.inputs import Inputs
from skhpt.session.previous import continued_history, trials_from


def can_share_slices(inputs: Inputs) -> bool:
    """Return whether candidates may use the same slices of the data: neither estimator nor scorer writes to them."""
    return (
        is_read_only(inputs.estimator) and scorer_is_read_only(inputs.scorer) and data_can_be_shared(inputs.X)
    )


def fingerprint_of(
    inputs: Inputs, folds: Folds, training: FullTraining, *, scoring: Any, return_train_score: bool
) -> Fingerprint:
    """Describe everything besides the candidates that scores depend on."""
    return Fingerprint(
        data=fingerprint.describe_data(inputs.X, inputs.y, inputs.params),
        folds=fingerprint.describe_folds(folds),
        scoring=fingerprint.describe_scoring(scoring, return_train_score),
        estimator=fingerprint.describe_estimator(inputs.estimator) + str(training),
    )


def warm_start_history(
    last: History, *, fitted_on: Fingerprint, now: Fingerprint, racing: bool, with_pending: bool
) -> History:
    """Return the trials of the last fit.

    Raises
    ------
    ValueError
        If their scores cannot be compared with those of this fit.
    """
    if changes := fitted_on.differences(now):
        raise ValueError(
            "the candidates that were evaluated before are kept, but their scores cannot be compared with "
            f"new ones: {'; '.join(changes)}. To start anew, fit with warm_start=False."
        )
    return continued_history(last, racing, with_pending)


def history_of_previous(previous: Any, now: Fingerprint, racing: bool) -> History:
    """Return the trials of ``previous=``: as trials of this search if their scores can be compared, else as prior."""
    if previous is None:
        return History()
    comparable, trials = trials_from(previous, now)
    if comparable:
        return continued_history(History(trials, n_earlier_trials=len(trials)), racing)
    return History(prior=trials)
