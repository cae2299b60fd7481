"""Trials of earlier searches: ``previous=`` and the trials of the last fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any

from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer

from skhpt._typing import Estimator, Params, Scoring
from skhpt.fingerprint import Fingerprint, describe_value
from skhpt.fitting.scorers import scorer_metric
from skhpt.history import History, renumbered
from skhpt.journal import JournalView
from skhpt.results.results_table import as_table, trials_from_table
from skhpt.session.matching import Matcher, Mismatch
from skhpt.space.dimensions import short_repr
from skhpt.space.space import Space
from skhpt.trial import Score, Trial


@dataclass(frozen=True)
class Wanted:
    """What a search can use of earlier searches.

    Attributes
    ----------
    fingerprint : Fingerprint
        What the scores of the search depend on.
    space : Space or None
        The search space; None for a search over given candidates.
    estimator : estimator
        The estimator that parameters are set on.
    scoring : str, callable, list, tuple, dict or None
        The `scoring` parameter.
    metric : str or None
        Name of the metric that candidates are compared by; None for the only or first one.
    allows : callable
        Tells whether the constraint allows parameters.
    racing : bool
        Whether the search races.
    """

    fingerprint: Fingerprint
    space: Space | None
    estimator: Estimator
    scoring: Scoring
    metric: str | None
    allows: Callable[[Params], bool]
    racing: bool

    @property
    def metric_name(self) -> str | None:
        """Name that the metric has in a table of several metrics; None if it is not known."""
        if self.metric is not None:
            return self.metric
        if isinstance(self.scoring, (list, tuple, set, dict)):
            return next(iter(self.scoring), None)
        return _metric_name(self.scoring, self.estimator)

    @property
    def deciding_scoring(self) -> Any:
        """The `scoring` of the metric that decides."""
        if isinstance(self.scoring, dict):
            return self.scoring.get(self.metric_name)
        return self.metric_name if isinstance(self.scoring, (list, tuple, set)) else self.scoring


@dataclass(frozen=True)
class Start:
    """What a search begins with.

    Attributes
    ----------
    history : History
        Trials that become part of the results, and trials that strategies only learn from (``history.prior``).
    set_aside : tuple of Trial, default=()
        Trials that the constraint rejects. They are also in ``history.prior``, and a later fit with another
        constraint takes them back.
    n_not_comparable : int, default=0
        Number of results of ``previous=`` that are not known to be comparable, so that only some searches use
        them.
    unused : str, default=""
        How many of the trials a strategy cannot learn from, and why.
    rejected : str, default=""
        How many trials the constraint rejects.
    """

    history: History
    set_aside: tuple[Trial, ...] = ()
    n_not_comparable: int = 0
    unused: str = ""
    rejected: str = ""


# -- what a search begins with -------------------------------------------------------------------------------


def start_with_previous(previous: Any, wanted: Wanted) -> Start:
    """Return the trials of ``previous=``: as trials of this search if their scores can be compared, else as prior.

    Raises
    ------
    TypeError, ValueError
        If `previous` is not fitted or not a table of results.
    """
    if previous is None:
        return Start(History())
    comparable, trials = trials_from(previous, wanted.fingerprint)
    if not comparable:
        prior, unused = _usable(previous, trials, wanted)
        return Start(History(prior=prior), n_not_comparable=len(trials), unused=unused)
    kept, set_aside = _divided(_completed(trials, wanted), wanted)
    history = History(renumbered(kept), prior=set_aside, n_earlier_trials=len(kept))
    return Start(
        continued_history(history, wanted.racing),
        set_aside=tuple(set_aside),
        unused=_outside("previous", [*kept, *set_aside], wanted),
        rejected=_rejected("previous", len(set_aside), len(trials)),
    )


def start_with_last_fit(
    last: History,
    set_aside: Sequence[Trial],
    *,
    fitted_on: Fingerprint,
    wanted: Wanted,
    with_pending: bool,
    has_brackets: bool,
) -> Start:
    """Return the trials of the last fit.

    Parameters
    ----------
    last : History
        History of the last fit.
    set_aside : sequence of Trial
        Trials that the constraint rejected in the last fit.
    fitted_on : Fingerprint
        What the scores of the last fit depend on.
    wanted : Wanted
        What this fit can use.
    with_pending : bool
        Whether to take over pending candidates.
    has_brackets : bool
        Whether the search continues brackets, which need all of their trials.

    Raises
    ------
    ValueError
        If the scores cannot be compared with those of this fit, or if the constraint rejects a trial of a
        bracket.
    """
    if changes := fitted_on.differences(wanted.fingerprint):
        raise ValueError(
            "the candidates that were evaluated before are kept, but their scores cannot be compared with "
            f"new ones: {'; '.join(changes)}. To start anew, fit with warm_start=False."
        )
    prior = [trial for trial in last.prior if all(trial is not other for other in set_aside)]
    if has_brackets:
        _check_brackets(last, wanted)
        history = continued_history(last, wanted.racing, with_pending)
        return Start(history, set_aside=tuple(set_aside))
    kept, rejected = _divided(_completed(last.finished, wanted), wanted)
    restored, still_rejected = _divided(_completed(set_aside, wanted), wanted)
    is_new = bool(rejected)
    rejected += still_rejected
    history = _replaced(last, restored, kept, wanted)
    history.prior = (*_matched(prior, wanted)[0], *rejected)
    known = [*restored, *kept, *rejected]
    return Start(
        continued_history(history, wanted.racing, with_pending),
        set_aside=tuple(rejected),
        unused=_outside("warm_start", known, wanted),
        rejected=_rejected("warm_start", len(rejected), len(known)) if is_new else "",
    )


def continued_history(last: History, racing: bool, with_pending: bool = True) -> History:
    """Return a history that begins with the trials of another.

    Parameters
    ----------
    last : History
        The other history.
    racing : bool
        Whether the new search races. If not, trials that a race eliminated are left out, to be evaluated
        again.
    with_pending : bool, default=True
        Whether to take over pending candidates, with the folds that were evaluated. They are only taken over
        if no trial is left out.
    """
    trials = last.finished
    is_kept = [racing or not trial.was_eliminated for trial in trials]
    n_earlier = sum(is_kept[: last.n_earlier_trials])
    kept = renumbered(compress(trials, is_kept))
    history = History(kept, prior=last.prior, n_earlier_trials=n_earlier)
    pending_ids = [candidate.id for candidate in last.pending]
    if with_pending and pending_ids == list(range(len(history), len(last))):
        history.add(last.pending)
        for candidate in last.pending:
            for fold in last.folds_of(candidate.id).values():
                history.add_fold(fold)
    return history


def _replaced(last: History, restored: Sequence[Trial], kept: Sequence[Trial], wanted: Wanted) -> History:
    """Return a history of the trials that are kept and of the pending candidates that the constraint allows.

    Restored trials come first and do not count as trials of this search.
    """
    earlier_ids = {trial.candidate.id for trial in last.earlier}
    n_earlier = len(restored) + sum(trial.candidate.id in earlier_ids for trial in kept)
    history = History(renumbered([*restored, *kept]), n_earlier_trials=n_earlier)
    for candidate in last.pending:
        if wanted.allows(candidate.params):
            new_id = len(history)
            preset_folds = tuple(replace(fold, candidate=new_id) for fold in candidate.preset_folds)
            history.add([replace(candidate, id=new_id, preset_folds=preset_folds)])
            for fold in last.folds_of(candidate.id).values():
                history.add_fold(replace(fold, candidate=new_id))
    return history


def _check_brackets(last: History, wanted: Wanted) -> None:
    """Raise ValueError if the constraint rejects a trial that a bracket consists of."""
    for trial in last:
        if not wanted.allows(trial.candidate.params):
            raise ValueError(
                f"the constraint rejects {trial.candidate.params!r}, which a bracket of the last fit has evaluated. "
                "To start anew, fit with warm_start=False; previous= takes over the other candidates of a search."
            )


def _divided(trials: Sequence[Trial], wanted: Wanted) -> tuple[list[Trial], list[Trial]]:
    """Divide trials into those that the constraint allows and those that it rejects."""
    allowed = [wanted.allows(trial.candidate.params) for trial in trials]
    rejected = [not is_allowed for is_allowed in allowed]
    return list(compress(trials, allowed)), list(compress(trials, rejected))


def _completed(trials: Sequence[Trial], wanted: Wanted) -> list[Trial]:
    """Return trials with the estimator's own values of parameters that they lack, if these lie in the space."""
    if wanted.space is None:
        return list(trials)
    matcher = Matcher(wanted.space, wanted.estimator)
    points = wanted.space.locate([trial.candidate.params for trial in trials])
    completed = []
    for trial, u in zip(trials, points, strict=True):
        params = trial.candidate.params
        completed.append(_with_params(trial, matcher.completed(params)) if u is None else trial)
    return completed


def _outside(source: str, trials: Sequence[Trial], wanted: Wanted) -> str:
    """Return a line about the comparable trials that are outside the space, so that no strategy learns from them."""
    if wanted.space is None:
        return ""
    points = wanted.space.locate([trial.candidate.params for trial in trials])
    outside = list(compress(trials, [u is None for u in points]))
    if not outside:
        return ""
    mismatch = Matcher(wanted.space, wanted.estimator).match(outside[0].candidate.params)
    example = f" ({mismatch.text})" if isinstance(mismatch, Mismatch) else ""
    return (
        f"{source}: the search does not learn from {len(outside)} of {len(trials)} candidates that were evaluated "
        f"before, which remain among the results: outside the space{example}"
    )


def _rejected(source: str, n: int, n_all: int) -> str:
    """Return a line about the trials that the constraint rejects; empty if there are none."""
    if not n:
        return ""
    return (
        f"{source}: the constraint rejects {n} of {n_all} candidates that were evaluated before; "
        f"{'it is' if n == 1 else 'they are'} not among the results"
    )


# -- reading -------------------------------------------------------------------------------------------------


def trials_from(previous: Any, fingerprint: Fingerprint) -> tuple[bool, list[Trial]]:
    """Read the trials of an earlier search.

    Parameters
    ----------
    previous : fitted search, JournalView, mapping or DataFrame
        A search of this package or its journal, another search with ``cv_results_``, or such a table.
    fingerprint : Fingerprint
        Description of the data, folds, scoring and estimator of the new search.

    Returns
    -------
    comparable : bool
        Whether the scores are known to come from the same data, folds, scoring and estimator.
    trials : list of Trial
        The trials of the earlier search.

    Raises
    ------
    TypeError, ValueError
        If `previous` is not fitted or not a table of results.
    """
    if hasattr(previous, "history_"):
        return not previous._fingerprint.differences(fingerprint), previous.history_.finished
    if isinstance(previous, JournalView):
        return False, previous.history.finished
    if hasattr(previous, "fit"):
        if not hasattr(previous, "cv_results_"):
            raise ValueError(f"previous must be fitted, got {previous!r}, which has no cv_results_")
        previous = previous.cv_results_
    table = as_table(previous)
    if table is None:
        raise TypeError(
            "previous must be a fitted search, a cv_results_ mapping or its DataFrame, or the view of a journal, got "
            f"{previous!r}"
        )
    return False, trials_from_table(table)


# -- results that only some searches can use -----------------------------------------------------------------


@dataclass
class _Unused:
    """Results that cannot be used, by reason, with an example of each."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, example: str = "", n: int = 1) -> None:
        if n:
            self.counts[reason] = self.counts.get(reason, 0) + n
            self.examples.setdefault(reason, example)

    def message(self, n_all: int) -> str:
        """Return a line that says how many of all results are used, and why the others are not."""
        if not self.counts:
            return ""
        parts = []
        for reason, n in self.counts.items():
            example = f" ({self.examples[reason]})" if self.examples[reason] else ""
            parts.append(f"{n} {reason}{example}")
        n_used = n_all - sum(self.counts.values())
        return f"previous: {n_used} of {n_all} results are used; not used: {', '.join(parts)}"


def _usable(previous: Any, trials: list[Trial], wanted: Wanted) -> tuple[list[Trial], str]:
    """Return the trials that a search can learn from, as points of its space, and a line about the others.

    Trials outside the space are among the former too; no strategy uses them.
    """
    unused = _Unused()
    complete = _fully_trained(trials, unused)
    scored = _with_metric(previous, complete, wanted, unused)
    matched, mismatches = _matched(scored, wanted)
    for mismatch in mismatches:
        unused.add("outside the space", mismatch.text)
    return matched, unused.message(len(trials))


def _matched(trials: Sequence[Trial], wanted: Wanted) -> tuple[list[Trial], list[Mismatch]]:
    """Return trials with their parameters as points of the space; those outside as they are, and the reasons."""
    if wanted.space is None:
        return list(trials), []
    matcher = Matcher(wanted.space, wanted.estimator)
    searched = set().union(*wanted.space.branches)
    matched, mismatches = [], []
    for trial in trials:
        # The resource of the earlier search may be a parameter of this one.
        resource = trial.candidate.info.get("resource_parameters", {})
        params = copy(trial.candidate.params)
        params.update({name: value for name, value in resource.items() if name in searched})
        point = matcher.match(params)
        if isinstance(point, Mismatch):
            mismatches.append(point)
        matched.append(trial if isinstance(point, Mismatch) else _with_params(trial, point))
    return matched, mismatches


def _with_params(trial: Trial, params: Params) -> Trial:
    return Trial(replace(trial.candidate, params=params), trial.folds)


def _fully_trained(trials: Sequence[Trial], unused: _Unused) -> list[Trial]:
    """Leave out candidates that were trained with a part of the resource or planned for a part of the folds."""
    most = max((trial.candidate.resource or 0 for trial in trials), default=0)
    most_folds = max((trial.candidate.info.get("n_folds", 0) for trial in trials), default=0)
    complete = []
    for trial in trials:
        resource = trial.candidate.resource or most
        n_folds = trial.candidate.info.get("n_folds", most_folds)
        has_all_folds = all(fold.state != "skipped" for fold in trial.candidate.preset_folds)
        if resource < most:
            unused.add("with less training", f"n_resources={resource} of {most}")
        elif n_folds < most_folds or not has_all_folds:
            unused.add("with fewer folds", f"n_folds={n_folds} of {most_folds}" if most_folds else "")
        else:
            complete.append(trial)
    return complete


def _with_metric(previous: Any, trials: Sequence[Trial], wanted: Wanted, unused: _Unused) -> list[Trial]:
    """Leave out trials that are known to have no score by the metric that candidates are compared by."""
    name = wanted.metric_name
    shown = repr(name) if name else short_repr(wanted.scoring)
    other = _other_metric(previous, wanted)
    scored = []
    for trial in trials:
        names = _scores(trial)
        if names is None and other:
            unused.add(f"scored by {other}, not by {shown}")
        elif names is not None and name not in names:
            unused.add(f"without a score by {shown}", f"only by {', '.join(names)}")
        else:
            scored.append(trial if wanted.metric is not None else _with_one_score(trial, name))
    return scored


def _scores(trial: Trial) -> list[str] | None:
    """Return the names of the metrics of a trial; None if it has a single one, or no score at all."""
    for fold in trial.folds:
        if isinstance(fold.test_score, dict):
            return list(fold.test_score)
    return None


def _with_one_score(trial: Trial, name: str | None) -> Trial:
    """Return a trial with the scores of one of its metrics."""
    folds = []
    for fold in trial.folds:
        score: Score | None = fold.test_score
        folds.append(replace(fold, test_score=score.get(name or "") if isinstance(score, dict) else score))
    return Trial(trial.candidate, tuple(folds))


def _other_metric(previous: Any, wanted: Wanted) -> str:
    """Return the metric of an earlier search with a single one that is known to differ; else an empty string."""
    if isinstance(previous, JournalView):
        scoring = previous.parts.get("scoring", "").removesuffix(" with training scores")
        is_other = scoring != wanted.fingerprint.scoring.removesuffix(" with training scores")
        return scoring if is_other else ""
    if not hasattr(previous, "fit") or not hasattr(previous, "scoring"):
        return ""
    if _metric(previous.scoring, previous.estimator) == _metric(wanted.deciding_scoring, wanted.estimator):
        return ""
    name = _metric_name(previous.scoring, previous.estimator)
    return repr(name) if name else short_repr(previous.scoring)


def _metric(scoring: Any, estimator: Estimator) -> str:
    """Describe a metric such that a name and a scorer of the same metric have the same description."""
    name = _metric_name(scoring, estimator)
    scorer = get_scorer(name) if name else scoring
    metric = scorer_metric(scorer)
    if metric is None:
        return describe_value(scorer)
    given = {key: value for key, value in metric.params.items() if value is not None}
    return describe_value((metric.function, metric.sign, given))


def _metric_name(scoring: Any, estimator: Estimator) -> str | None:
    """Return the name of a metric; None if it is a function or an estimator's own ``score``."""
    if isinstance(scoring, str):
        return scoring
    own_score = getattr(type(estimator), "score", None)
    if scoring is not None or not getattr(own_score, "__module__", "").startswith("sklearn."):
        return None
    if is_classifier(estimator):
        return "accuracy"
    return "r2" if is_regressor(estimator) else None
