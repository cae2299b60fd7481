"""Multi-fidelity search: many candidates begin with little, the best of them go on with more."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from skhpt._typing import Params
from skhpt.history import History
from skhpt.strategies.schedule import Bracket, Plan
from skhpt.trial import Candidate, FoldScore, Trial

#: ``propose(n, known, prior)`` returns up to n points that promise most, from the trials that are known.
Propose = Callable[[int, Sequence[Trial], Sequence[Trial]], Sequence[Params]]
#: So many brackets run side by side if later ones learn from earlier ones.
N_SIDE_BY_SIDE = 2


class Hyperband:
    """Run the brackets of a plan side by side, each in a lane of its own.

    A candidate is promoted as soon as it is certain that it will be among the best of its rung, however those score
    that are still under way. Every rung that a candidate reaches is a trial.

    Parameters
    ----------
    plan : Plan
        Brackets and rungs.
    points : sequence of dict
        Candidates to begin with, for all brackets.
    metric : str or None, default=None
        Name of the score to compare; None if there is only one, or for the first.
    error_score : float or "raise", default=NaN
        Score of a fold that failed.
    first_lane, first_candidate : int, default=0
        Where the numbers of brackets and candidates begin, after those of an earlier search.
    propose : callable, default=None
        ``propose(n, known, prior)`` returns up to n points that promise most, from the trials that are known. If there
        is one, two thirds of the candidates of a bracket come from there, as soon as the last but one is complete.
    """

    def __init__(
        self,
        plan: Plan,
        points: Sequence[Params],
        metric: str | None = None,
        error_score: float | str = math.nan,
        first_bracket_id: int = 0,
        first_candidate: int = 0,
        propose: Propose | None = None,
    ):
        self.plan = plan
        self.points = points
        self.metric = metric
        self.error_score = math.nan if isinstance(error_score, str) else error_score
        self.first_bracket_id = first_bracket_id
        self.first_candidate = first_candidate
        self.propose = propose
        # By bracket: what was proposed, and what was asked for last, in which state of the history.
        self._proposed: dict[int, tuple[History, Sequence[Params]]] = {}
        self._answers: dict[int, tuple[Any, list[Candidate]]] = {}

    @property
    def uses_prior(self) -> bool:
        """Whether proposals learn from trials that were scored on other folds."""
        return self.propose is not None

    @property
    def n_candidates(self) -> int:
        """Trials that there will be at most."""
        return self.plan.n_rows

    def ask(self, history: History) -> list[Candidate]:
        """Return what is certain by now: the beginning of each bracket, and who is promoted."""
        asked: list[Candidate] = []
        complete = True
        for b in range(len(self.plan.brackets)):
            if self.propose and b >= N_SIDE_BY_SIDE and not complete:
                break
            more = self._ask_bracket(b, history)
            asked += more
            if b >= N_SIDE_BY_SIDE - 1:  # whether the bracket so many before the next one is complete
                complete = complete and self._is_complete(b + 1 - N_SIDE_BY_SIDE, history)
        return [_numbered(candidate, len(history) + i) for i, candidate in enumerate(asked)]

    def _ask_bracket(self, b: int, history: History) -> list[Candidate]:
        """Return what is certain of a bracket; it is found out once for every state of it."""
        bracket_id = self.first_bracket_id + b
        state = history, history.progress(bracket_id)
        known, answer = self._answers.get(b, (None, []))
        if known != state:
            by_rung: dict[int, list[Trial]] = defaultdict(list)
            for trial in history.bracket(bracket_id):
                by_rung[trial.candidate.info["rung"]].append(trial)
            begun = self._begin(b, by_rung[0], history)
            answer = begun + self._promote(self.plan.brackets[b], by_rung, len(begun))
            self._answers[b] = state, answer
        return answer

    def _is_complete(self, b: int, history: History) -> bool:
        n, n_finished = history.progress(self.first_bracket_id + b)
        return n == n_finished > 0 and not self._ask_bracket(b, history)

    def _begin(self, b: int, begun: Sequence[Trial], history: History) -> list[Candidate]:
        """Return the candidates that a bracket is still to begin with."""
        first = sum(bracket.rungs[0].n_candidates for bracket in self.plan.brackets[:b])
        n = self.plan.brackets[b].rungs[0].n_candidates
        there = {trial.candidate.info["candidate_id"] for trial in begun}
        if len(there) == n:
            return []
        points = self.points[first : first + n]
        if self.propose and b >= N_SIDE_BY_SIDE:
            points = [*self._proposals(b, n - n // 3, history), *points][:n]
        numbers = range(self.first_candidate + first, self.first_candidate + first + n)
        return [self._candidate(b, 0, i, params) for i, params in zip(numbers, points, strict=False) if i not in there]

    def _proposals(self, b: int, n: int, history: History) -> Sequence[Params]:
        """Return what is proposed for a bracket, which is found out once."""
        source, points = self._proposed.get(b, (None, ()))
        if source is not history and self.propose:
            bracket_ids = range(self.first_bracket_id, self.first_bracket_id + b + 1 - N_SIDE_BY_SIDE)
            known = [trial for bracket_id in bracket_ids for trial in history.bracket(bracket_id)]
            points = self.propose(n, known, history.prior)
            self._proposed[b] = history, points
        return points

    def _promote(self, bracket: Bracket, by_rung: dict[int, list[Trial]], n_more: int) -> list[Candidate]:
        """Return the promotions that are certain and were not asked for yet."""
        asked = []
        n_expected = len(by_rung[0]) + n_more
        for i, rung in enumerate(bracket.rungs[1:]):
            finished = [trial for trial in by_rung[i] if trial.folds]
            n_unknown = n_expected - len(finished)
            n_certain = rung.n_candidates - n_unknown
            ranked = self._ranked(finished) if n_certain > 0 else []
            promoted = {trial.candidate.info["candidate_id"] for trial in by_rung[i + 1]}
            for trial in ranked[: max(0, n_certain)]:
                if trial.candidate.info["candidate_id"] not in promoted:
                    asked.append(self._promotion(trial, i + 1))
            n_expected = min(rung.n_candidates, len(ranked) + n_unknown)
        return asked

    def _ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """Order trials, the best first; those without a score are left out."""
        scored = [(self._score(trial), trial) for trial in trials]
        valid = [(score, trial) for score, trial in scored if not math.isnan(score)]
        valid.sort(key=lambda row: (-row[0], row[1].candidate.info["candidate_id"]))
        return [trial for _, trial in valid]

    def _score(self, trial: Trial) -> float:
        scores = [fold.score(self.metric) for fold in trial.evaluated]
        return sum(self.error_score if math.isnan(score) else score for score in scores) / len(scores)

    def _promotion(self, trial: Trial, rung: int) -> Candidate:
        info = trial.candidate.info
        b = info["bracket"] - self.first_bracket_id
        return self._candidate(b, rung, info["candidate_id"], trial.candidate.params, trial)

    def _candidate(self, b: int, i: int, number: int, params: Params, parent: Trial | None = None) -> Candidate:
        plan, bracket = self.plan, self.plan.brackets[b]
        rung = bracket.rungs[i]
        splits = bracket.splits(i, plan.n_splits)
        preset_folds = [
            known
            for split in range(plan.n_splits)
            if (known := _known(split, parent, rung.resource) if split in splits else _skipped(split))
        ]
        info = {
            "candidate_id": number,
            "bracket": self.first_bracket_id + b,
            "rung": i,
            "iter": bracket.first_iter + i,
            "n_resources": rung.resource,
            "n_folds": rung.n_folds,
        }
        return Candidate(
            id=0,  # until it is known what else is asked for
            params=params,
            resource=None if plan.resource == "folds" else rung.resource,
            info=info,
            bracket_id=self.first_bracket_id + b,
            parent=parent.candidate.id if parent else None,
            preset_folds=tuple(preset_folds),
        )


def _numbered(candidate: Candidate, number: int) -> Candidate:
    preset_folds = tuple(replace(fold, candidate=number) for fold in candidate.preset_folds)
    return replace(candidate, id=number, preset_folds=preset_folds)


def _skipped(split: int) -> FoldScore:
    return FoldScore(0, split, None, state="skipped")


def _known(split: int, parent: Trial | None, resource: int) -> FoldScore | None:
    """Return the score on a fold that more of the resource cannot change, at no further cost; None if there is none."""
    if parent is None:
        return None
    fold = next(fold for fold in parent.folds if fold.split == split)
    if fold.state == "skipped" or not (fold.converged or parent.candidate.resource in (None, resource)):
        return None
    return replace(fold, fit_time=0.0, score_time=0.0, resumed_from=0)
