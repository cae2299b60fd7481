"""Planner of shared fits: it decides which candidates of a round share fits, and keeps the report."""

from __future__ import annotations

from collections.abc import Sequence

from skhpt._typing import Estimator
from skhpt._warnings import warn_user
from skhpt.fitting.job import Outcome
from skhpt.reuse.grouping import RoundPlan, SharedCandidate
from skhpt.reuse.report import ReuseReport, count
from skhpt.reuse.rng_guard import OwedDraws, global_rng_kept
from skhpt.reuse.shared_evaluation import DIFFERS, SharingPolicy
from skhpt.reuse.steps import fit_graphs
from skhpt.trial import Candidate


class ReusePlanner:
    """Planner of shared fits, which takes the results of earlier tasks into account.

    Parameters
    ----------
    policy : SharingPolicy
        Rules under which candidates share fits.

    Attributes
    ----------
    report : ReuseReport
        Fits that were planned and made.
    owed_draws : OwedDraws
        Draws from numpy's global generator that candidates have saved by sharing fits.
    """

    def __init__(self, policy: SharingPolicy):
        self.policy = policy
        self.report = ReuseReport()
        self._declined: dict[int, tuple[Candidate, list[int]]] = {}  # by id, with the folds
        self._ever_declined: set[int] = set()  # ids of candidates
        self._offenders: dict[str, str] = {}  # names of steps that cannot be shared, with the reasons
        self.owed_draws = OwedDraws()
        self._n_fits: dict[int, int] = {}  # of a separate evaluation on one fold, by the id of the candidate

    def split(
        self, estimator: Estimator, candidates: Sequence[Candidate], n_splits: int
    ) -> tuple[Sequence[SharedCandidate], Sequence[Candidate]]:
        """Split the candidates of a round into those that share fits, in the order of evaluation, and the others."""
        if len(candidates) < 2:
            return [], candidates
        report = self.report
        with global_rng_kept():  # sub-models may try a fit
            graphs = fit_graphs(
                estimator,
                [candidate.params for candidate in candidates],
                self.policy.close,
                self.policy.scorer,
            )
            round_plan = RoundPlan(candidates, graphs)
        report.plan.n_splits = n_splits
        report.plan.add(graphs, round_plan)
        for candidate, graph in zip(candidates, graphs, strict=True):
            self._n_fits[candidate.id] = graph.n_fits()
        report.n_fits += n_splits * sum(self._n_fits[candidate.id] for candidate in round_plan.separate)
        return round_plan.shared, round_plan.separate

    def drop_refused(self, shared: Sequence[SharedCandidate], split: int) -> list[SharedCandidate]:
        """Return the candidates of a task that may still share fits; the others are declined on this fold."""
        left = []
        for candidate in shared:
            if offenders := self._offenders.keys() & candidate.fit_graph.names.values():
                self._decline(candidate.candidate, split, self._offenders[min(offenders)])
            else:
                left.append(candidate)
        return left

    def record_outcome(self, outcome: Outcome) -> None:
        """Record the fits of a task, and the steps and candidates for which sharing was refused."""
        report = self.report
        report.n_fits += outcome.n_fits or 0
        report.seconds_spent += outcome.seconds
        report.seconds_asked += sum(score.fit_time + score.score_time for score in outcome.scores)
        for candidate_id, n_words in outcome.n_draws.items():
            self.owed_draws.add(candidate_id, outcome.split, n_words)
        for candidate, reason in outcome.declined:
            self._decline(candidate, outcome.split, reason)
        new = outcome.offenders.keys() - self._offenders.keys()
        if new and DIFFERS in outcome.offenders.values():
            warn_user(
                f"sharing of fits is switched off: {DIFFERS}, with {', '.join(sorted(new))}. Sharing was not tested "
                "with this version of scikit-learn. reuse=False switches it off from the start."
            )
        self._offenders |= outcome.offenders

    def take_declined(self) -> list[tuple[Candidate, list[int]]]:
        """Return the candidates that must be evaluated separately, with the folds, and forget them."""
        declined, self._declined = list(self._declined.values()), {}
        return declined

    def _decline(self, candidate: Candidate, split: int, reason: str) -> None:
        self._declined.setdefault(candidate.id, (candidate, []))[1].append(split)
        self.report.n_fits += self._n_fits[candidate.id]
        if candidate.id not in self._ever_declined:
            self._ever_declined.add(candidate.id)
            count(self.report.declined, reason)
