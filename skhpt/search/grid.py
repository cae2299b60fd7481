"""GridSearch: every point of a grid."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from skhpt._compat import Interval
from skhpt._typing import Params, RandomState
from skhpt.history import History
from skhpt.search.fixed_list import FixedListSearch
from skhpt.space.space import Space
from skhpt.strategies.fixed_list import untried


class GridSearch(FixedListSearch):
    """Exhaustive search over a grid of parameters, by cross-validation.

    A drop-in for `sklearn.model_selection.GridSearchCV`: the same arguments, attributes and numbers. It also takes
    SciPy distributions, of which it tries evenly spaced quantiles, keeps to a constraint and goes on from an earlier
    search.

    Parameters
    ----------
    estimator : estimator object
        The estimator to tune; it needs ``fit``, and ``score`` if `scoring` is None.

    param_grid : dict or list of dict
        Maps parameter names to lists of values or to distributions (of `scipy.stats` or `skhpt.distributions`). A list
        of dicts is a list of grids, tried one after another.

    scoring : str, callable, list, tuple or dict, default=None
        How a fold is scored: one metric, or several (then `refit` must name the one that decides). None means the
        estimator's own ``score``. As in scikit-learn.

    n_jobs : int, default=None
        Number of folds that are evaluated at the same time; -1 means all processors, None means 1 unless
        `joblib.parallel_config` says otherwise. The result does not depend on it.

    refit : bool, str or callable, default=True
        Whether to refit the best candidate on all data, and, with several metrics, by which of them it is chosen.
        A callable takes ``cv_results_`` and returns the index of the best candidate; `skhpt.select` has some.

    cv : int, cross-validation generator or iterable, default=None
        How the data is split; None means 5 folds, stratified for a classifier. The folds are drawn once, so all
        candidates are scored on the same ones.

    verbose : int, default=0
        From 1 on it prints the number of fits, from 2 the time of each, from 3 its scores, from 10 its start.

    pre_dispatch : int or str, default='2*n_jobs'
        Number of tasks that are sent to the workers ahead of their completion; None sends all.

    error_score : 'raise' or numeric, default=np.nan
        Score of a candidate that fails on a fold; 'raise' stops at the first failure. The refit always raises.

    return_train_score : bool, default=False
        Whether to score the training part of each fold too.

    return_predictions : bool, default=False
        Whether to keep what each candidate predicts for the test part of each fold, for `out_of_fold_predictions` and
        ``corrected_score_``: with ``predict_proba``, ``decision_function`` or ``predict``, the first that there is. The
        time that this takes is not counted.

    resolution : int or dict of str to int, default=5
        Number of values of each distribution, or of the distributions of the parameters named (5 for the others):
        evenly spaced quantiles, the finite ends of the distribution included. A discrete distribution with fewer
        values gives them all.

    reuse : {"exact", "close"} or False, default="exact"
        Which fits candidates of one round share: those that are the same to the last bit, also those that agree up to
        rounding, or none.

    reuse_memory : float, default=2**30
        Bytes of transformed data that a worker keeps for it, at most; None means no limit.

    journal : str or path-like, default=None
        File to keep what is asked for and what comes back, as it happens. If it exists, the search goes on where that
        one stopped: no finished fold is repeated, and the results are those of a search that was never disturbed. A
        file of another search is refused.

    max_time : float or timedelta, default=None
        Seconds for the search. When they are over, no fold is begun any more; those under way get a tenth of that time
        to finish, and the best candidate so far is refitted.

    target_score : float, default=None
        Mean score with which the search ends.

    patience : int, default=None
        Number of candidates in a row without a better score after which the search ends.

    fit_timeout : float, default=None
        Seconds that the fit of one candidate on one fold may take, with its scoring. After that its process is killed,
        whatever it does, and the fold has the state "timeout" and `error_score`. The workers are processes then, even
        if there is only one.

    max_retries : int, default=2
        Number of workers that may die of a candidate (killed, out of memory, a crash of native code) before it is given
        up, with the state "crashed" and `error_score`. The folds of all others are evaluated again.

    on_interrupt : {"refit", "keep", "raise"}, default="refit"
        What Ctrl-C does: the search ends with what it has and refits the best candidate so far, does not refit, or
        raises `KeyboardInterrupt`. Whichever it is, results are kept. Pressed twice, it is raised at once.

    constraint : callable, default=None
        ``constraint(params) -> bool`` rejects candidates before they are evaluated.

    previous : fitted search, dict or DataFrame, default=None
        What an earlier search found. Its candidates are not evaluated again if they were scored on the same data,
        folds and metrics, and with the same estimator; that can be told of searches of this package.

    warm_start : bool, default=False
        Whether `fit` keeps the candidates of the last fit and evaluates only what is new. Data, folds, metrics and
        estimator must be the same.

    Attributes
    ----------
    cv_results_ : dict of numpy (masked) ndarrays
        The table of results, one row per candidate, with scikit-learn's columns: ``param_*``, ``params``,
        ``split*_test_*``, ``mean_test_*``, ``std_test_*``, ``rank_test_*``, ``mean_fit_time`` and so on; times are in
        seconds. `pandas.DataFrame` takes it as it is.

    history_ : History
        Every candidate and every fold in the order in which they were asked for, with states and error texts.

    stop_reason_ : {"completed", "interrupted", "max_time", "target_score", "patience"}
        Why the search ended.

    reuse_report_ : ReuseReport
        Which fits candidates had in common, and what that saved; printing it gives a table.

    best_estimator_ : estimator
        The best candidate, fitted on all data; only if `refit` is not False.

    best_score_ : float
        Mean score of the best candidate over the folds; not if `refit` is a callable other than those of
        `skhpt.select`.

    corrected_score_ : CorrectedScore
        The score that is to be expected of the best candidate, without the optimism of having been chosen for its
        score, and an interval; only if `return_predictions` is True. It is computed when it is asked for.

    best_params_ : dict
        Parameters of the best candidate.

    best_index_ : int
        Its row in ``cv_results_``.

    scorer_ : function or a dict
        What scored the folds; a dict if there are several metrics.

    n_splits_ : int
        Number of folds.

    refit_time_ : float
        Seconds that the refit took; only if `refit` is not False.

    multimetric_ : bool
        Whether there are several metrics.

    classes_ : ndarray of shape (n_classes,)
        The class labels; only if `refit` is not False and the estimator is a classifier.

    n_features_in_ : int
        Number of features seen during :term:`fit`; only if `refit` is not False and the estimator has it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`; only if `refit` is not False and the estimator has it.

    See Also
    --------
    RandomSearch : Points drawn from the space.
    ManualSearch : Points given one by one.

    Notes
    -----
    The parameters selected are those that maximise the mean score over the folds, unless `refit` says otherwise; of
    equal candidates the first one wins.

    Numpy scalars among the values reach the estimator as Python's own int, float, bool and str.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import GridSearch
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"kernel": ["linear", "rbf"], "C": loguniform(0.01, 100)}
    >>> search = GridSearch(SVC(), grid, resolution=3).fit(X, y)
    >>> search.best_params_["kernel"], round(search.best_params_["C"], 3)
    ('linear', 1.0)
    """

    _parameter_constraints: dict = {
        **FixedListSearch._parameter_constraints,
        "param_grid": [dict, list],
        "resolution": [Interval(Integral, 1, None, closed="left"), dict],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        return_predictions: bool = False,
        resolution: Any = 5,
        reuse: Any = "exact",
        reuse_memory: float | None = 2**30,
        journal: Any = None,
        max_time: Any = None,
        target_score: float | None = None,
        patience: int | None = None,
        fit_timeout: float | None = None,
        max_retries: int = 2,
        on_interrupt: str = "refit",
        constraint: Any = None,
        previous: Any = None,
        warm_start: bool = False,
    ):
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
            return_predictions=return_predictions,
            reuse=reuse,
            reuse_memory=reuse_memory,
            journal=journal,
            max_time=max_time,
            target_score=target_score,
            patience=patience,
            fit_timeout=fit_timeout,
            max_retries=max_retries,
            on_interrupt=on_interrupt,
            constraint=constraint,
            previous=previous,
            warm_start=warm_start,
        )
        self.param_grid = param_grid
        self.resolution = resolution

    def _parse_space(self) -> Space:
        return Space(self.param_grid, self.constraint)

    def _points(self, space: Space, history: History, random_state: RandomState) -> list[Params]:
        return untried(space.grid(self.resolution), history)
