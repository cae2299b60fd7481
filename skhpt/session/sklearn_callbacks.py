"""scikit-learn's callbacks (from version 1.9): the tasks of a search, and the observer of each fold.

The root task has two subtasks: "search", with a "candidate-split-evaluation" per fold, and
"refit-with-best-params". scikit-learn makes the contexts of all evaluations ahead. Each of them holds its
siblings, so every task that travels to a worker carries all others along, a cost quadratic in their number.
Here the context of an evaluation is the only child of a copy of its parent, and is made only if the search or
its estimator has callbacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt._warnings import warn_user
from skhpt.fitting.job import FoldObserver, NullObserver
from skhpt.fitting.slicing import FoldData
from skhpt.trial import Candidate


def begin_callbacks(search: Estimator, X: ArrayLike, y: ArrayLike, params: Params) -> Callbacks:
    """Begin the root task of a search, if this version of scikit-learn has callbacks."""
    if not hasattr(search, "_init_callback_context"):
        return Callbacks()
    return SklearnCallbacks(search, X, y, _metadata(params))


class Callbacks:
    """No callbacks.

    Attributes
    ----------
    observe_fits : bool
        Whether callbacks are told of every candidate on every fold.
    follow_fits : bool
        Whether callbacks also follow what happens inside the fits.
    """

    observe_fits = False
    follow_fits = False

    def begin_search(self, n_candidates: int | None, n_splits: int) -> None:
        """Begin the search task."""

    def observe(self, candidate: Candidate, split: int, has_begun: bool = False) -> FoldObserver:
        """Return the observer of one fold, whose beginning may have been observed already."""
        return NullObserver()

    def end_search(self) -> None:
        """End the search task."""

    @contextmanager
    def refitting(self, estimator: Estimator) -> Iterator[None]:
        """Run the refit inside this context."""
        yield

    def end(self) -> None:
        """End the root task."""

    def warn_of_followed_fits(self) -> None:
        """Warn once of the callbacks that prevent candidates from sharing fits."""


class SklearnCallbacks(Callbacks):
    """The callbacks of a search and of its estimator.

    Parameters
    ----------
    search : estimator
        The search that is being fitted.
    X, y : array-like
        The data that it is fitted on.
    metadata : dict or None
        Sample weights, if there are any.
    """

    def __init__(self, search: Estimator, X: ArrayLike, y: ArrayLike, metadata: Params | None):
        self._search = search
        self._data = {"estimator": search, "X": X, "y": y, "metadata": metadata}
        n_tasks = 1 + (search.refit is not False)
        self._root = search._init_callback_context(max_subtasks=n_tasks).call_on_fit_task_begin(**self._data)
        self._following = _following(search)
        self.follow_fits = bool(self._following)
        self.observe_fits = self.follow_fits or bool(_callbacks_of(search))

    def begin_search(self, n_candidates: int | None, n_splits: int) -> None:
        self._n_splits = n_splits
        self._task = self._root.subcontext(
            task_name="search",
            max_subtasks=None if n_candidates is None else n_candidates * n_splits,
            sequential_subtasks=False,
        ).call_on_fit_task_begin(estimator=self._search)

    def observe(self, candidate: Candidate, split: int, has_begun: bool = False) -> FoldObserver:
        if not self.observe_fits:
            return NullObserver()
        parent = copy(self._task)
        parent._children_map = {}
        task_id = candidate.id * self._n_splits + split
        context = parent.subcontext("candidate-split-evaluation", task_id=task_id)
        return FoldCallbacks(self._search, context, has_begun)

    def end_search(self) -> None:
        self._task.call_on_fit_task_end(estimator=self._search)

    @contextmanager
    def refitting(self, estimator: Estimator) -> Iterator[None]:
        context = self._root.subcontext(task_name="refit-with-best-params")
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(**self._data)
            yield
        context.call_on_fit_task_end(**self._data)

    def end(self) -> None:
        self._root.call_on_fit_task_end(**self._data)

    def warn_of_followed_fits(self) -> None:
        if self._following:
            warn_user(
                f"{', '.join(sorted(set(self._following)))} follows the inside of every fit, so candidates share no "
                "fits, and the search may take longer. For the progress of the search use "
                "skhpt.callbacks.SearchProgress; for callbacks that need no more than the level of the search, "
                "skhpt.callbacks.SearchCallback or max_propagation_depth=0."
            )
            self._following = []


class FoldCallbacks:
    """Observer that tells callbacks of one fold, in the worker that evaluates it."""

    def __init__(self, search: Estimator, context: Any, has_begun: bool = False):
        self._search = search
        self._context = context
        self._has_begun = has_begun

    def begin(self, fold: FoldData) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._context.call_on_fit_task_begin(**self._data(fold))

    @contextmanager
    def fitting(self, estimator: Estimator, fold: FoldData) -> Iterator[None]:
        with self._context.propagate_callback_context(estimator):
            self.begin(fold)
            yield

    def end(self, fold: FoldData) -> None:
        self._context.call_on_fit_task_end(**self._data(fold))

    def _data(self, fold: FoldData) -> dict[str, Any]:
        return {
            "estimator": self._search,
            "X": fold.X_train,
            "y": fold.y_train,
            "metadata": _metadata(fold.fit_params),
        }


def _metadata(params: Params) -> Params | None:
    weights = params.get("sample_weight")
    return None if weights is None else {"sample_weight": weights}


def _following(search: Estimator) -> list[str]:
    """Return the names of the callbacks of a search, or of its estimator, that follow the fits of candidates.

    Callbacks that are propagated follow the fits of an estimator that supports callbacks. One of them only
    shows the progress, which does not depend on the tasks inside a fit.
    """
    following = [callback for part in _parts(search.estimator) for callback in _callbacks_of(part)]
    if hasattr(search.estimator, "set_callbacks"):
        for callback in _callbacks_of(search):
            if getattr(callback, "max_propagation_depth", 0) != 0 and not _is_progress_bar(callback):
                following.append(callback)
    return [type(callback).__name__ for callback in following]


def _is_progress_bar(callback: Any) -> bool:
    kind = type(callback)
    return kind.__name__ == "ProgressBar" and kind.__module__.startswith("sklearn.callback.")


def _callbacks_of(estimator: Estimator) -> Sequence[Any]:
    return getattr(estimator, "_skl_callbacks", ())


def _parts(estimator: Estimator) -> list[Any]:
    return (
        [estimator, *estimator.get_params(deep=True).values()]
        if hasattr(estimator, "get_params")
        else [estimator]
    )
