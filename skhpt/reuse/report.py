"""Plan of the fits that candidates share, and report of the fits that were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from skhpt._html import Html, box, paragraph, table
from skhpt._typing import Estimator
from skhpt.reuse.grouping import RoundPlan
from skhpt.reuse.scorer_needs import KNOWN_METRICS, ScorerNeeds
from skhpt.reuse.steps import FitGraph, fit_graphs
from skhpt.trial import Candidate


def count(counts: dict[str, int], *reasons: str) -> None:
    """Add 1 for each reason."""
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1


@dataclass
class ReusePlan:
    """Number of fits that candidates ask for, and number of fits that serve them.

    ``print(plan)`` shows a table.

    Attributes
    ----------
    n_candidates, n_splits : int
        Number of candidates, and number of folds of each.
    parts : dict of str to (int, int)
        For each step of the estimator, by its name: the number of candidates with this step, and the number
        of fits that serve them on a fold.
    alone : dict of str to int
        Reasons why candidates share no fits, with the number of candidates.
    limits : dict of str to int
        Reasons why candidates share only some of their fits, with the number of candidates.
    """

    n_candidates: int = 0
    n_splits: int = 0
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    alone: dict[str, int] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)

    @property
    def n_fits_asked(self) -> int:
        """Number of fits of steps, branches and models if no fit is shared."""
        return self.n_splits * sum(n_candidates for n_candidates, _ in self.parts.values())

    @property
    def n_fits(self) -> int:
        """Number of fits if fits are shared."""
        return self.n_splits * sum(n_fits for _, n_fits in self.parts.values())

    def __str__(self) -> str:
        width = max([len("step"), *map(len, self.parts)])
        lines = [
            self._summary(),
            f"{'step':<{width}}  candidates  fits per fold",
            f"{'-' * width}  ----------  -------------",
        ]
        for name, (n_candidates, n_fits) in self.parts.items():
            lines.append(f"{name:<{width}}  {n_candidates:>10}  {n_fits:>13}")
        return "\n".join([*lines, *self.reasons()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return box(self._summary(), self._html_table(), *map(paragraph, self.reasons()))

    def _summary(self) -> str:
        n, n_splits = self.n_candidates, self.n_splits
        return f"{n} candidates on {n_splits} folds: {self.n_fits} of {self.n_fits_asked} fits"

    def _html_table(self) -> Html:
        rows = [(name, n_candidates, n_fits) for name, (n_candidates, n_fits) in self.parts.items()]
        return table(["step", "candidates", "fits per fold"], rows) if rows else Html()

    def reasons(self) -> list[str]:
        """Return a line for each reason why candidates share no fits, or not all of their fits."""
        lines = [f"{n} candidates are fitted separately: {reason}" for reason, n in self.alone.items()]
        return lines + [f"{n} candidates share less: {reason}" for reason, n in self.limits.items()]

    def add(self, fit_graphs: Sequence[FitGraph], round_plan: RoundPlan) -> None:
        """Add the candidates of a round."""
        self.n_candidates += len(fit_graphs)
        for graph in fit_graphs:
            if graph.reason:
                count(self.alone, graph.reason)
            else:
                count(self.limits, *graph.limits)
        for name, (n_candidates, n_fits) in round_plan.fits.items():
            n_candidates_before, n_fits_before = self.parts.get(name, (0, 0))
            self.parts[name] = (n_candidates_before + n_candidates, n_fits_before + n_fits)


@dataclass
class ReuseReport:
    """Fits that a search has made, and time that sharing has saved.

    ``print(report)`` shows both, the plan, and the reasons why candidates were evaluated separately.

    Attributes
    ----------
    plan : ReusePlan
        Fits that the candidates have in common.
    n_fits : int
        Number of fits of steps, branches and models, without those of rounds of a single candidate.
    seconds_asked, seconds_spent : float
        Time that the candidates would have taken if no fit was shared, and time that they took, summed over
        workers.
    declined : dict of str to int
        Reasons why candidates were evaluated separately on some folds although a shared fit was planned, with
        the number of candidates.
    """

    plan: ReusePlan = field(default_factory=ReusePlan)
    n_fits: int = 0
    seconds_asked: float = 0.0
    seconds_spent: float = 0.0
    declined: dict[str, int] = field(default_factory=dict)

    @classmethod
    def without_sharing(cls, reason: str, n_candidates: int) -> ReuseReport:
        """Return the report of a search whose candidates share no fits."""
        report = cls()
        if n_candidates:
            report.plan.alone[reason] = n_candidates
        return report

    def __str__(self) -> str:
        lines = [self.summary(), str(self.plan)] if self.plan.parts else self.plan.reasons()
        return "\n".join([*lines, *self._declined_lines()])

    def __repr__(self) -> str:
        return str(self) or "no fits to share"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        reasons = [*self.plan.reasons(), *self._declined_lines()]
        if not self.plan.parts:
            return box("Shared fits", *map(paragraph, reasons or ["no fits to share"]))
        return box(
            "Shared fits", paragraph(self.summary()), self.plan._html_table(), *map(paragraph, reasons)
        )

    def _declined_lines(self) -> list[str]:
        return [f"{n} candidates were evaluated separately: {reason}" for reason, n in self.declined.items()]

    @property
    def saves(self) -> bool:
        """Whether fewer fits were made than the candidates asked for."""
        return self.n_fits < self.plan.n_fits_asked

    def summary(self) -> str:
        """Return one line with the number of fits, and the time that they took if it is shorter than unshared."""
        text = f"{self.n_fits} of {self.plan.n_fits_asked} fits of steps were made, the others shared"
        spent, asked = f"{self.seconds_spent:.1f} s", f"{self.seconds_asked:.1f} s"
        if (
            self.seconds_spent >= self.seconds_asked or spent == asked
        ):  # spent also on predictions that are kept
            return text
        return f"{text}: {spent} instead of {asked}"


def plan_of(
    estimator: Estimator,
    candidates: Sequence[Candidate],
    n_splits: int,
    close: bool = False,
    scorer: ScorerNeeds = KNOWN_METRICS,
    reason: str = "",
) -> ReusePlan:
    """Return the plan of candidates that are evaluated in one round.

    Parameters
    ----------
    estimator : estimator
        The estimator of the search.
    candidates : sequence of Candidate
        All candidates.
    n_splits : int
        Number of folds.
    close : bool, default=False
        Whether sub-models may be used whose predictions differ by rounding.
    scorer : ScorerNeeds, default=KNOWN_METRICS
        Needs of the scorer; by default, those of scikit-learn's metrics.
    reason : str, default=""
        Why no fits are shared; empty if fits are shared.
    """
    graphs = fit_graphs(estimator, [candidate.params for candidate in candidates], close, scorer)
    if reason:
        graphs = [replace(graph, reason=reason) for graph in graphs]
    plan = ReusePlan(n_splits=n_splits)
    plan.add(graphs, RoundPlan(candidates, graphs))
    return plan
