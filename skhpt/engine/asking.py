"""A question to a strategy, asked in a thread of its own, so that no worker waits for the answer."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import Any

import numpy as np

from skhpt.history import History
from skhpt.strategies.base import Strategy
from skhpt.trial import Candidate

#: Seconds that the end of a question waits for its thread. A constraint of the user may never return.
SECONDS_TO_END = 10.0


class Question:
    """A strategy that is asked in another thread; use it in a ``with`` block, which waits for the thread.

    No trial may finish and no candidate be added inside of the block: the answer is that for the history at its
    beginning. Folds of pending trials may be added, which no strategy looks at.

    Parameters
    ----------
    strategy : Strategy
        The strategy.
    history : History
        All trials so far.
    context : context manager
        The strategy is called in it.
    """

    def __init__(self, strategy: Strategy, history: History, context: AbstractContextManager[Any]):
        self._strategy = strategy
        self._history = history
        self._context = context
        self._answer: Future[list[Candidate]] = Future()
        self._numpy_errors: dict[str, Any] = dict(np.geterr())  # of this thread, before NumPy 2

    def __enter__(self) -> Question:
        target = copy_context().run
        self._thread = threading.Thread(target=target, args=(self._ask,), name="skhpt-ask", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.join(SECONDS_TO_END)

    def is_answered(self, seconds: float) -> bool:
        """Tell whether there is an answer, or an exception, after so many seconds at most."""
        return bool(wait([self._answer], seconds).done)

    def answer(self) -> list[Candidate]:
        """Return the candidates that the strategy has returned; raise what it has raised."""
        return self._answer.result()

    def _ask(self) -> None:
        try:
            with np.errstate(**self._numpy_errors), self._context:
                candidates = self._strategy.ask(self._history)
        except BaseException as error:
            self._answer.set_exception(error)
        else:
            self._answer.set_result(candidates)
