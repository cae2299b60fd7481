"""Multi-fidelity search: many candidates begin with few resources, the best of them are promoted to more.

References: Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar (2018), Hyperband: A Novel Bandit-Based Approach
to Hyperparameter Optimization, Journal of Machine Learning Research 18, arXiv:1603.06560.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from skhpt._typing import Params
from skhpt.history import History
from skhpt.strategies.schedule import Bracket, Plan
from skhpt.trial import Candidate, FoldScore, Trial

#: ``propose(n, known, prior)`` returns up to n points, chosen with the known trials and those of other
#: searches.
Propose: TypeAlias = Callable[[int, Sequence[Trial], Sequence[Trial]], Sequence[Params]]
#: Number of brackets that run at the same time if later brackets learn from earlier ones.
N_CONCURRENT = 2
#: With proposals, one of so many candidates of a bracket is drawn, and one of so many is proposed at a time.
DRAWN_SHARE, PROPOSED_SHARE = 3, 9


class Hyperband:
    """Strategy that runs the brackets of a plan at the same time.

    A candidate is promoted as soon as it is certain to be among the best of its rung, whatever the scores of
    the pending candidates will be. Each candidate has a trial on every rung that it reaches.

    Parameters
    ----------
    plan : Plan
        Brackets and rungs.
    points : sequence of dict
        Initial candidates of all brackets, in their order.
    metric : str, default=None
        Name of the score to compare; None for the only or first one.
    error_score : float or "raise", default=NaN
        Score of a failed fold.
    first_bracket_id, first_candidate : int, default=0
        Ids of the first bracket and of the first candidate; larger than 0 after an earlier search.
    propose : callable, default=None
        ``propose(n, known, prior)`` returns up to n points, given trials of the bracket and of complete
        brackets. With it, a third of the candidates of a bracket are initial ones. The others are proposed, a
        ninth of the bracket at a time, when all earlier candidates have been scored on the first rung. From
        the third bracket on, a bracket begins when the last but one before it is complete.
    """

    def __init__(
        self,
        plan: Plan,
        points: Sequence[Params],
        *,
        metric: str | None = None,
        error_score: float | str = math.nan,
        first_bracket_id: int = 0,
        first_candidate: int = 0,
        propose: Propose | None = None,
    ):
        self.plan = plan
        self.points = points
        self.metric = metric
        self.error_score = error_score
        self.first_bracket_id = first_bracket_id
        self.first_candidate = first_candidate
        self.propose = propose
        # Cache, by bracket: the last answer with the state of the history that it is for.
        self._answers: dict[int, tuple[Any, list[Candidate]]] = {}

    @property
    def uses_prior(self) -> bool:
        """Whether proposals learn from trials that were scored on other folds."""
        return self.propose is not None

    @property
    def takes_long(self) -> bool:
        """Whether candidates are proposed by a model."""
        return self.propose is not None

    @property
    def n_candidates(self) -> int:
        """Maximum number of trials: candidates, counted on every rung."""
        return self.plan.n_rows

    def ask(self, history: History) -> list[Candidate]:
        """Return the initial candidates of the brackets that begin, and all promotions that are certain."""
        asked: list[Candidate] = []
        earlier_are_complete = True
        for b in range(len(self.plan.brackets)):
            if self.propose and b >= N_CONCURRENT and not earlier_are_complete:
                break
            asked += self._ask_bracket(b, history)
            if b >= N_CONCURRENT - 1:  # the next bracket waits for all but the last N_CONCURRENT - 1 brackets
                earlier_are_complete = earlier_are_complete and self._is_complete(
                    b + 1 - N_CONCURRENT, history
                )
        return [_with_id(candidate, len(history) + i) for i, candidate in enumerate(asked)]

    def _ask_bracket(self, b: int, history: History) -> list[Candidate]:
        """Return the certain candidates of a bracket, without ids; computed once for every state of the bracket."""
        bracket_id = self.first_bracket_id + b
        state = history, history.progress(bracket_id)
        answered_state, answer = self._answers.get(b, (None, []))
        if answered_state != state:
            by_rung: dict[int, list[Trial]] = defaultdict(list)
            for trial in history.bracket(bracket_id):
                by_rung[trial.candidate.info["rung"]].append(trial)
            initial = self._initial_candidates(b, by_rung[0], history)
            answer = initial + self._promotions(self.plan.brackets[b], by_rung)
            self._answers[b] = state, answer
        return answer

    def _is_complete(self, b: int, history: History) -> bool:
        n, n_finished = history.progress(self.first_bracket_id + b)
        return n == n_finished > 0 and not self._ask_bracket(b, history)

    def _initial_candidates(self, b: int, begun: Sequence[Trial], history: History) -> list[Candidate]:
        """Return the candidates of the first rung of a bracket that are to begin now."""
        first = sum(bracket.rungs[0].n_candidates for bracket in self.plan.brackets[:b])
        n, n_begun = self.plan.brackets[b].rungs[0].n_candidates, len(begun)
        points = self.points[first + n_begun : first + n]
        if self.propose:
            if n_begun < (n_drawn := max(1, n // DRAWN_SHARE)):
                points = points[: n_drawn - n_begun]
            elif n_begun < n and all(trial.folds for trial in begun):
                n_proposals = min(max(1, n // PROPOSED_SHARE), n - n_begun)
                proposals = self.propose(n_proposals, self._known(b, begun, history), history.prior)
                points = [*proposals, *points][:n_proposals]
            else:
                return []
        ids = range(self.first_candidate + first + n_begun, self.first_candidate + first + n)
        return [
            self._candidate(b, 0, candidate_id=i, params=params)
            for i, params in zip(ids, points, strict=False)
        ]

    def _known(self, b: int, begun: Sequence[Trial], history: History) -> list[Trial]:
        """Return the trials that the proposals of a bracket depend on, whatever the number of workers."""
        known: list[Trial] = []
        for earlier in range(b + 1 - N_CONCURRENT):
            known += history.bracket(self.first_bracket_id + earlier)
        return [*known, *begun]

    def _promotions(self, bracket: Bracket, by_rung: dict[int, list[Trial]]) -> list[Candidate]:
        """Return the promotions that are certain and were not asked for yet.

        Of the n best candidates of a rung, all but as many as there are candidates without a result are
        certain.
        """
        promotions = []
        n_expected = bracket.rungs[0].n_candidates
        for i, next_rung in enumerate(bracket.rungs[1:]):
            finished = [trial for trial in by_rung[i] if trial.folds]
            n_unknown = n_expected - len(finished)
            n_certain = next_rung.n_candidates - n_unknown
            best = self._ranked(finished) if n_certain > 0 else []
            promoted = {trial.candidate.info["candidate_id"] for trial in by_rung[i + 1]}
            for trial in best[: max(0, n_certain)]:  # Li et al. 2018, Algorithm 1, line 8
                if trial.candidate.info["candidate_id"] not in promoted:
                    promotions.append(self._promotion(trial, i + 1))
            n_expected = min(next_rung.n_candidates, len(best) + n_unknown)
        return promotions

    def _ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that have a score, the best first; equal scores in the order of the candidates."""
        scored = [(trial.mean_score(self.metric, self.error_score), trial) for trial in trials]
        valid = [(score, trial) for score, trial in scored if not math.isnan(score)]
        valid.sort(key=lambda row: (-row[0], row[1].candidate.info["candidate_id"]))
        return [trial for _, trial in valid]

    def _promotion(self, trial: Trial, rung: int) -> Candidate:
        info, params = trial.candidate.info, trial.candidate.params
        b = info["bracket"] - self.first_bracket_id
        return self._candidate(b, rung, candidate_id=info["candidate_id"], params=params, parent=trial)

    def _candidate(
        self, b: int, i: int, *, candidate_id: int, params: Params, parent: Trial | None = None
    ) -> Candidate:
        """Return a candidate of rung i of bracket b, without an id."""
        bracket = self.plan.brackets[b]
        rung = bracket.rungs[i]
        info = {
            "candidate_id": candidate_id,
            "bracket": self.first_bracket_id + b,
            "rung": i,
            "iter": bracket.first_iter + i,
            "n_resources": rung.resource,
            "n_folds": rung.n_folds,
        }
        return Candidate(
            id=0,
            params=params,
            resource=None if self.plan.resource == "folds" else rung.resource,
            info=info,
            bracket_id=self.first_bracket_id + b,
            parent=parent.candidate.id if parent else None,
            preset_folds=self._preset_folds(bracket, i, parent),
        )

    def _preset_folds(self, bracket: Bracket, i: int, parent: Trial | None) -> tuple[FoldScore, ...]:
        """Return the folds of a rung that need no evaluation."""
        evaluated = bracket.splits(i, self.plan.n_splits)
        preset = []
        for split in range(self.plan.n_splits):
            if split not in evaluated:
                preset.append(FoldScore(0, split, None, state="skipped"))
            elif parent and (fold := _unchanged_fold(parent, split, bracket.rungs[i].resource)):
                preset.append(fold)
        return tuple(preset)


def _with_id(candidate: Candidate, candidate_id: int) -> Candidate:
    preset_folds = tuple(replace(fold, candidate=candidate_id) for fold in candidate.preset_folds)
    return replace(candidate, id=candidate_id, preset_folds=preset_folds)


def _unchanged_fold(parent: Trial, split: int, resource: int) -> FoldScore | None:
    """Return the score of the parent on a fold if this resource cannot change it, without its times; else None."""
    fold = next(fold for fold in parent.folds if fold.split == split)
    if fold.state == "skipped" or not (fold.converged or parent.candidate.resource in (None, resource)):
        return None
    # Nothing was evaluated for this trial, so that the times of all folds are those of all workers.
    return replace(fold, fit_time=0.0, score_time=0.0, resumed_from=0, started=0.0, ended=0.0, worker="")
