"""What candidates share, what they do not, and the account of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from skhpt._warnings import warn_user
from skhpt.fitting.fold import Outcome
from skhpt.reuse.grouping import RoundPlan, SharedCandidate
from skhpt.reuse.shared_evaluation import DIFFERS, SharingPolicy
from skhpt.reuse.steps import FitGraph, fit_graphs
from skhpt.trial import Candidate


@dataclass
class ReusePlan:
    """The fits that a list of candidates asks for, and those that serve it.

    Printing it gives a table.

    Attributes
    ----------
    n_candidates, n_splits : int
        Candidates, and folds of each.
    parts : dict of str to (int, int)
        Of each part of the estimator, by its name: how many candidates have it, and how many fits serve them on a fold.
    alone : dict of str to int
        Why candidates share nothing, and how many.
    """

    n_candidates: int = 0
    n_splits: int = 0
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    alone: Counter[str] = field(default_factory=Counter)

    @property
    def n_fits_asked(self) -> int:
        """Fits of steps, branches and models that candidates would need if each was on its own."""
        return self.n_splits * sum(n for n, _ in self.parts.values())

    @property
    def n_fits(self) -> int:
        """Fits that serve them."""
        return self.n_splits * sum(n for _, n in self.parts.values())

    def __str__(self) -> str:
        width = max([len("part"), *map(len, self.parts)])
        lines = [
            f"{self.n_candidates} candidates on {self.n_splits} folds: {self.n_fits} of {self.n_fits_asked} fits",
            f"{'part':<{width}}  candidates  fits per fold",
            f"{'-' * width}  ----------  -------------",
            *(f"{name:<{width}}  {n_asked:>10}  {n_fits:>13}" for name, (n_asked, n_fits) in self.parts.items()),
            *self.reasons(),
        ]
        return "\n".join(lines)

    def reasons(self) -> list[str]:
        """Say why candidates share nothing, in a line each."""
        return [f"{n} candidates are fitted on their own: {reason}" for reason, n in self.alone.items()]

    def add(self, fit_graphs: Sequence[FitGraph], common: RoundPlan) -> None:
        """Add the candidates of a round."""
        self.n_candidates += len(fit_graphs)
        self.alone += Counter(one.doubt for one in fit_graphs if one.doubt)
        for name, (n_asked, n_fits) in common.fits.items():
            before = self.parts.get(name, (0, 0))
            self.parts[name] = (before[0] + n_asked, before[1] + n_fits)


@dataclass
class ReuseReport:
    """What a search shared, and what it saved.

    Attributes
    ----------
    plan : ReusePlan
        What candidates have in common.
    n_fits : int
        Fits of steps, branches and models that were made, those of rounds of a single candidate not counted.
    seconds_asked, seconds_spent : float
        Time that the candidates would have taken on their own, and that which they took, summed over all workers.
    declined : dict of str to int
        Why candidates were evaluated on their own after all, on some fold at least, and how many.
    """

    plan: ReusePlan = field(default_factory=ReusePlan)
    n_fits: int = 0
    seconds_asked: float = 0.0
    seconds_spent: float = 0.0
    declined: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return "\n".join(
            [
                *([self.summary(), str(self.plan)] if self.plan.parts else self.plan.reasons()),
                *(f"{n} candidates were evaluated on their own: {reason}" for reason, n in self.declined.items()),
            ]
        )

    @property
    def saves(self) -> bool:
        """Whether fewer fits were made than candidates asked for."""
        return self.n_fits < self.plan.n_fits_asked

    def summary(self) -> str:
        """Say it in one line."""
        return (
            f"Fitted {self.n_fits} of {self.plan.n_fits_asked} parts in {self.seconds_spent:.1f} s; "
            f"one by one it would have taken {self.seconds_asked:.1f} s"
        )


def plan_of(
    estimator: Any, candidates: Sequence[Candidate], n_splits: int, close: bool = False, doubt: str = ""
) -> ReusePlan:
    """Say which fits candidates need, before there is any.

    Parameters
    ----------
    estimator : estimator
        The estimator of the search.
    candidates : sequence of Candidate
        All candidates.
    n_splits : int
        Folds.
    close : bool, default=False
        Whether fits are shared that agree up to rounding only.
    doubt : str, default=""
        Why none are shared, if so.
    """
    theirs = fit_graphs(estimator, [candidate.params for candidate in candidates], close)
    theirs = [replace(one, doubt=doubt) for one in theirs] if doubt else theirs
    plan = ReusePlan(n_splits=n_splits)
    plan.add(theirs, RoundPlan(candidates, theirs))
    return plan


class ReusePlanner:
    """Finds out which candidates share fits, and learns from what the workers say.

    Parameters
    ----------
    terms : Terms, default=None
        On what terms they do; None if they do not.
    doubt : str, default=""
        Why they do not.

    Attributes
    ----------
    report : ReuseReport
        The account.
    """

    def __init__(self, policy: SharingPolicy | None = None, doubt: str = ""):
        self.policy = policy
        self.doubt = doubt
        self.report = ReuseReport()
        self._declined: dict[int, tuple[Candidate, list[int]]] = {}  # by their ids, with the folds
        self._offenders: dict[str, str] = {}  # names of parts that cannot be shared, and why
        self._sizes: dict[int, int] = {}  # fits of a candidate alone
        self._ever_declined: set[int] = set()

    def split(
        self, estimator: Any, candidates: Sequence[Candidate], n_splits: int
    ) -> tuple[Sequence[SharedCandidate], Sequence[Candidate]]:
        """Divide the candidates of a round into those that share fits, in their order, and those that do not."""
        if self.policy is None and self.doubt:
            self.report.plan.alone[self.doubt] += len(candidates)
        if self.policy is None or len(candidates) < 2:
            return [], candidates
        theirs = fit_graphs(estimator, [candidate.params for candidate in candidates], self.policy.close)
        common = RoundPlan(candidates, theirs)
        self.report.plan.n_splits = n_splits
        self.report.plan.add(theirs, common)
        self._sizes |= {one.id: each.n_fits() for one, each in zip(candidates, theirs, strict=True)}
        self.report.n_fits += n_splits * sum(self._sizes[candidate.id] for candidate in common.alone)
        return common.shared, common.alone

    def drop_refused(self, shared: Sequence[SharedCandidate], split: int) -> list[SharedCandidate]:
        """Return the candidates of a task that may still share fits on a fold; the others are evaluated separately."""
        left = []
        for one in shared:
            if offenders := self._offenders.keys() & one.fit_graph.names:
                self._decline(one.candidate, split, self._offenders[min(offenders)])
            else:
                left.append(one)
        return left

    def record_outcome(self, outcome: Outcome) -> None:
        """Take notice of what came of a task."""
        report = self.report
        report.n_fits += outcome.n_fits or 0
        report.seconds_spent += outcome.seconds
        report.seconds_asked += sum(score.fit_time + score.score_time for score in outcome.scores)
        for candidate, reason in outcome.declined:
            self._decline(candidate, outcome.split, reason)
        new = outcome.offenders.keys() - self._offenders.keys()
        if new and DIFFERS in outcome.offenders.values():
            warn_user(
                f"candidates are fitted on their own from here on: {DIFFERS}, with {', '.join(sorted(new))}. Sharing "
                "was not tested with this version of scikit-learn; reuse=False says that it is not wanted."
            )
        self._offenders |= outcome.offenders

    def take_declined(self) -> list[tuple[Candidate, list[int]]]:
        """Return the candidates that must be evaluated alone, with their folds, and forget them."""
        declined, self._declined = list(self._declined.values()), {}
        return declined

    def _decline(self, candidate: Candidate, split: int, reason: str) -> None:
        self._declined.setdefault(candidate.id, (candidate, []))[1].append(split)
        self.report.n_fits += self._sizes[candidate.id]
        if candidate.id not in self._ever_declined:
            self._ever_declined.add(candidate.id)
            self.report.declined[reason] += 1
