"""The Strategy protocol: candidates as a pure function of the history.

A strategy has no method to receive scores. The engine calls `Strategy.ask` with the whole history after each
finished trial, so a search that starts, resumes, warm starts or replays calls the same function with a longer
or shorter history. The results are then the same for any number of workers, and after a crash.
"""

from __future__ import annotations

from typing import Protocol

from skhpt.history import History
from skhpt.trial import Candidate


class Strategy(Protocol):
    """Source of candidates.

    A new strategy implements `ask`, `n_candidates`, `uses_prior` and `takes_long`, and joins the table in
    ``tests/contracts/test_laws.py``, which tests the rules of `ask`. `FixedList` is the shortest example.
    """

    @property
    def n_candidates(self) -> int | None:
        """Maximum number of trials that the strategy asks for; None if it is not known."""
        ...

    @property
    def uses_prior(self) -> bool:
        """Whether the strategy learns from ``history.prior``: trials with scores from other folds or data."""
        ...

    @property
    def takes_long(self) -> bool:
        """Whether `ask` may take so long that workers would wait: the engine then calls it in another thread."""
        ...

    def ask(self, history: History) -> list[Candidate]:
        """Return the candidates that can be evaluated now.

        The engine calls `ask` again after each finished trial. The search is complete when `ask` returns an
        empty list and no trial is pending.

        Rules:

        - The candidates have the ids ``len(history), len(history) + 1, ...``.
        - The result depends only on the history and on the arguments of the constructor. Random numbers come from a
          generator that is seeded with ``(seed, len(history))`` or with another function of both.
        - `ask` does not change the history. Caches are allowed: a second call with the same history, and a call of a
          new instance, return equal candidates.
        - Pending trials have no folds. A strategy may use which candidates are pending, not how far they are.
        - Trials of one bracket (`Candidate.bracket_id`) finish in the order of their ids; brackets are independent of
          each other. The candidates of a bracket depend only on the finished trials of this bracket and on
          brackets whose trials have all finished and that are not asked for again. A strategy without
          brackets leaves ``bracket_id`` at 0.
        - The first ``history.n_earlier_trials`` trials are results of an earlier search and do not count for
          `n_candidates`. ``history.prior`` holds trials with scores from other folds or data.
        - A trial may have failed, have folds without a score, or have been eliminated by a race.

        Parameters
        ----------
        history : History
            All trials so far, finished and pending.

        Returns
        -------
        candidates : list of Candidate
            May be empty.
        """
        ...
