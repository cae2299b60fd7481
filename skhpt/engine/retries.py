"""What becomes of folds whose worker was lost: another chance, or a state that says why there is no score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from skhpt.parallel.channels import TaskUpdate
from skhpt.trial import Candidate, FoldScore


class RetryPolicy:
    """The account of the workers that were lost, and of who is to blame.

    Parameters
    ----------
    max_retries : int, default=2
        Workers that a candidate may kill; after so many it is given up.
    fit_timeout : float, default=None
        Seconds that a fit may take, for the text of the error.

    Attributes
    ----------
    n_retries : int
        Folds that were tried again.
    """

    def __init__(self, max_retries: int = 2, fit_timeout: float | None = None):
        self.max_retries = max_retries
        self.fit_timeout = fit_timeout
        self._retries: Counter[tuple[int, int]] = Counter()  # by candidate and fold
        self._deaths: Counter[int] = Counter()  # by candidate, those that it is to blame for
        self._suspected: set[int] = set()  # candidates that may be to blame for the end of a shared pool

    def decide(
        self, updates: TaskUpdate, left: Sequence[Candidate], at: int | None, split: int
    ) -> tuple[list[FoldScore], list[Candidate]]:
        """Decide about the candidates that a task had left when it lost its worker.

        Parameters
        ----------
        news : TaskUpdate
            How it was lost.
        left : sequence of Candidate
            Those that have no score yet.
        at : int or None
            The one that was being evaluated; None if that is not known.
        split : int
            The fold.

        Returns
        -------
        given_up : list of FoldScore
            Those that are not tried again.
        again : list of Candidate
            The others.
        """
        if updates.lost == "cancelled":
            return [], list(left)
        culprit = left[0].id if len(left) == 1 and updates.n_deaths else at
        if culprit is None or culprit not in {candidate.id for candidate in left}:
            return [], list(left)
        if not self._is_hopeless(culprit, updates):
            self._retries[culprit, split] += 1
            return [], list(left)
        score = self._timeout(culprit, split) if updates.lost == "timeout" else self.crash(culprit, split)
        return [score], [candidate for candidate in left if candidate.id != culprit]

    @property
    def n_retries(self) -> int:
        return sum(self._retries.values())

    def with_retry_count(self, score: FoldScore) -> FoldScore:
        """Say of a score how often it took another try."""
        n = self._retries[score.candidate, score.split] if self._retries else 0
        return replace(score, retries=n) if n else score

    @staticmethod
    def as_error(score: FoldScore) -> Exception:
        """Return what to raise in the place of a score, if failures are to be raised."""
        kind = TimeoutError if score.state == "timeout" else RuntimeError
        return kind(str(score.error).partition(": ")[2])

    def _is_hopeless(self, culprit: int, updates: TaskUpdate) -> bool:
        if updates.lost == "timeout":
            return True
        if not updates.n_deaths:  # of a shared pool: others were at work too
            self._suspected.add(culprit)
            return self.max_retries == 0
        self._deaths[culprit] += updates.n_deaths
        return self._deaths[culprit] + (culprit in self._suspected) >= max(1, self.max_retries)

    def _timeout(self, candidate: int, split: int) -> FoldScore:
        error = f"TimeoutError: the fit was stopped after fit_timeout={self.fit_timeout} seconds"
        return FoldScore(candidate, split, None, None, float(self.fit_timeout or 0.0), 0.0, "timeout", error)

    def crash(self, candidate: int, split: int) -> FoldScore:
        """Return the score of a candidate that is given up, on one fold."""
        n = max(1, self.max_retries)
        error = (
            "TerminatedWorkerError: the worker process died, as it does of a segmentation fault, for want of memory or "
            f"when it is killed; the candidate is given up after {n} of them (max_retries={self.max_retries})"
        )
        return FoldScore(candidate, split, None, state="crashed", error=error)
