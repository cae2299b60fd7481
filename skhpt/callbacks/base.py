"""Base class of the callbacks of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skhpt.results.status import SearchStatus
from skhpt.trial import FoldScore, Trial


class SearchCallback:
    """Base class of callbacks that follow a search.

    A subclass overrides the hooks that it needs; ``search.set_callbacks(...)`` takes an instance. Hooks are called in
    the process and thread that called ``fit``, in the order of the events. The workers continue to fit meanwhile, and
    candidates share fits as without callbacks. A callback changes neither results nor the journal, however slow it
    is. It is no parameter of the search; clones share it.

    `on_search_begin` comes first, once, when the arguments of ``fit`` are accepted. If it came, `on_search_end` comes
    last, also after an exception. In between, each trial that the search evaluates has one `on_candidate_finished`,
    which `on_new_best` follows if it is better than all before. Trials of a journal, of earlier fits and of earlier
    searches have none: they are in the status of `on_search_begin`. With `skhpt.HyperbandSearchCV` a candidate
    has a trial on each rung.

    If a hook raises an exception, there is one warning with its traceback, and the callback is not called again; the
    search continues. (Where warnings are errors, ``fit`` raises it at its end: then the search is fitted.)
    `KeyboardInterrupt` has the effect of Ctrl-C.

    See Also
    --------
    SearchProgress : Progress bar.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.callbacks import SearchCallback
    >>> class PrintBest(SearchCallback):
    ...     def on_new_best(self, search, trial, status):
    ...         print(f"{status.best.score:.3f} with {status.best.params}")
    >>> search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [40, 5, 90]})
    >>> _ = search.set_callbacks(PrintBest()).fit(*load_iris(return_X_y=True))
    0.927 with {'n_neighbors': 40}
    0.973 with {'n_neighbors': 5}
    """

    def on_search_begin(self, search: Any, status: SearchStatus) -> None:
        """Follow the beginning of a search, before its first fit.

        What a journal, earlier fits and earlier searches brought is in the status.

        Parameters
        ----------
        search : estimator
            The search; it is not fitted yet.
        status : SearchStatus
            What is done and planned, and the best candidate so far.
        """

    def on_folds_finished(self, search: Any, folds: Sequence[FoldScore], status: SearchStatus) -> None:
        """Follow folds that are back from the workers.

        Parameters
        ----------
        search : estimator
            The search; it is not fitted yet.
        folds : sequence of FoldScore
            The folds, in the order in which they came back.
        status : SearchStatus
            What is done and planned, and the best candidate so far.
        """

    def on_candidate_finished(self, search: Any, trial: Trial, status: SearchStatus) -> None:
        """Follow a candidate that has finished, whether it succeeded, failed or was eliminated.

        Parameters
        ----------
        search : estimator
            The search; it is not fitted yet.
        trial : Trial
            The candidate, with ``trial.candidate.params``, ``trial.folds`` and ``trial.state``.
        status : SearchStatus
            What is done and planned, and the best candidate so far.
        """

    def on_new_best(self, search: Any, trial: Trial, status: SearchStatus) -> None:
        """Follow a candidate that is better than all before, after its `on_candidate_finished`.

        Parameters
        ----------
        search : estimator
            The search; it is not fitted yet.
        trial : Trial
            The candidate, with ``trial.candidate.params``, ``trial.folds`` and ``trial.state``.
        status : SearchStatus
            What is done and planned, and the best candidate so far.
        """

    def on_search_end(self, search: Any, status: SearchStatus, error: BaseException | None = None) -> None:
        """Follow the end of a search, after the refit.

        Parameters
        ----------
        search : estimator
            The fitted search; not fitted if there is an error.
        status : SearchStatus
            The last status, with the `stop_reason`.
        error : BaseException or None
            Exception that ended the search, such as KeyboardInterrupt, which ``fit`` is about to raise.
        """
