"""Documentation of the parameters and attributes that searches share, inserted into their docstrings at import.

The docstring of a search describes its own parameters and attributes. `add_shared_docs` adds the others, in
the order of the signature, so that ``help`` and the reference show the whole text.
"""

from __future__ import annotations

import inspect
import re
from typing import TypeVar

Class = TypeVar("Class", bound=type)

#: Parameters by name, in numpydoc format. A search that uses a parameter in another way describes it itself.
PARAMETERS = {
    "estimator": """
estimator : estimator object
    The estimator to tune. It needs ``fit``, and ``score`` if `scoring` is None.""",
    "param_distributions": """
param_distributions : dict, list of dict or 'auto'
    Parameter names and their distributions (of `scipy.stats`, of `skhpt.distributions`, or any object with
    ``rvs``) or lists of choices, which are drawn uniformly. Each candidate uses one dict of a list of
    dicts. 'auto' is the space of `skhpt.spaces.default_space` for the estimator and the data.""",
    "random_state": """
random_state : int, RandomState instance or None, default=None
    Source of random numbers. An int gives the same candidates in every call.""",
    "constraint": """
constraint : callable, default=None
    ``constraint(params) -> bool`` rejects candidates before they are evaluated.""",
    "scoring": """
scoring : str, callable, list, tuple or dict, default=None
    Metric or metrics, as in scikit-learn. With several metrics, `refit` must name the one that candidates
    are compared by. None means the ``score`` method of the estimator.""",
    "cv": """
cv : int, cross-validation generator or iterable, default=None
    Cross-validation splitter, as in scikit-learn. None means 5 folds, stratified for a classifier. The
    folds are drawn once, so all candidates are scored on the same folds.""",
    "refit": """
refit : bool, str or callable, default=True
    Whether to refit the best candidate on all data. A string names the metric that candidates are compared
    by. A callable takes ``cv_results_`` and returns the index of the best candidate; `skhpt.select` has
    such rules.""",
    "racing": """
racing : bool, default=False
    Whether a candidate is eliminated, and its remaining folds are skipped, when its mean score over the
    first folds is lower than every fold of another candidate, or when it fails on a fold. Scores of
    skipped folds, and the mean score of an eliminated candidate, are NaN. Eliminated candidates rank last;
    a callable `refit` must handle NaN. With several metrics, the metric of `refit` decides, or the first
    metric. The result is the same for any number of workers, but with ``error_score='raise'`` a failure
    may be raised that another number of workers would not meet.""",
    "error_score": """
error_score : 'raise' or numeric, default=np.nan
    Score of a candidate that fails on a fold. 'raise' ends the search at the first failure. A failing
    refit always raises.""",
    "return_train_score": """
return_train_score : bool, default=False
    Whether to compute scores on the training part of each fold too.""",
    "return_predictions": """
return_predictions : bool, default=False
    Whether to keep the predictions of each candidate for the test part of each fold.
    `out_of_fold_predictions` and ``corrected_score_`` need them. They come from ``predict_proba``,
    ``decision_function`` or ``predict``, the first of these that the estimator has. Fit and score times do
    not include them.""",
    "n_jobs": """
n_jobs : int, default=None
    Number of folds that are evaluated in parallel. None means the number of `joblib.parallel_config`, or
    else 1, and on Dask and Ray as many as the cluster can run; -1 means all processors, or all of the
    cluster. The result does not depend on it.""",
    "pre_dispatch": """
pre_dispatch : int or str, default='2*n_jobs'
    Number of tasks that are sent to the workers before they are needed. None sends all tasks at once.""",
    "verbose": """
verbose : int, default=0
    Level of messages: from 1 a line for each candidate with the best so far (`GridSearch` and
    `RandomSearch`: the number of fits), from 2 the time of each fit, from 3 its scores, from 10 its start.
    A progress bar is `skhpt.callbacks.SearchProgress`.""",
    "max_time": """
max_time : float or timedelta, default=None
    Time limit of the search, in seconds. When it is reached, no more folds are started, and running folds
    get another tenth of the time to finish. The best candidate so far is refitted.""",
    "target_score": """
target_score : float, default=None
    Mean score at which the search ends.""",
    "patience": """
patience : int, default=None
    Number of successive candidates without a better mean score after which the search ends. With fewer than 30,
    `BayesSearchCV` often ends before it has found the best region.""",
    "journal": """
journal : str or path-like, default=None
    File that records candidates and scores while the search runs. If the file exists, the search is
    resumed: no finished fold is repeated, and the results equal those of a search that was not
    interrupted. The journal of another search is refused.""",
    "previous": """
previous : fitted search, dict, DataFrame or JournalView, default=None
    An earlier search, its ``cv_results_`` or its journal. Its candidates are not evaluated again if they
    were scored on the same data and folds, with the same metrics and estimator, which is only known of
    fitted searches of this package. A search that learns also learns from other results in the space.""",
    "warm_start": """
warm_start : bool, default=False
    Whether `fit` keeps the candidates of the last fit and evaluates only new ones. Data, folds, metrics
    and estimator must be the same. Candidates that the constraint rejects are set aside.""",
    "fit_timeout": """
fit_timeout : float, default=None
    Time limit for fitting and scoring one candidate on one fold, in seconds. When it is reached, the
    worker process is killed; the state of the fold is "timeout" and its score `error_score`. Workers are
    then always processes.""",
    "fit_resources": """
fit_resources : dict, default=None
    Resources that one fit needs, such as ``{"GPU": 0.5, "CPU": 2}``: a part of one GPU or a whole number
    of GPUs, a number of processors, or an amount of a resource of the cluster. No more fits run at the
    same time than the resources allow. On one machine, fits run in worker processes, each with the
    variable ``CUDA_VISIBLE_DEVICES`` of its GPUs (out of those that this process may use, or all GPUs of
    the machine), and with as many threads of libraries as "CPU" says. On Dask these are resources that the
    workers declare (``dask worker --resources "GPU=1"``). On Ray "GPU" and "CPU" are ``num_gpus`` and
    ``num_cpus`` of its tasks, and other names are its custom resources or "memory".""",
    "max_retries": """
max_retries : int, default=2
    Number of workers that may die of a candidate (killed, out of memory, crash of native code) before the
    candidate is given up. The state of its folds is then "crashed" and their score `error_score`. Folds of
    other candidates that were lost with a worker are always evaluated again.""",
    "on_interrupt": """
on_interrupt : {"refit", "keep", "raise"}, default="refit"
    Action on Ctrl-C: end the search and refit the best candidate so far, end it without a refit, or raise
    `KeyboardInterrupt`. All results are kept in each case. Ctrl-C pressed twice raises at once.""",
    "reuse": """
reuse : {"exact", "close"} or False, default="exact"
    Fits that the candidates of a round share: "exact" shares fits whose results are identical to the last
    bit, "close" also fits whose results agree up to rounding. False shares none.""",
    "reuse_memory": """
reuse_memory : float, default=2**30
    Maximum size of the transformed data that a worker keeps for sharing, in bytes. None means no limit.""",
}

#: Attributes in the order in which they are documented.
ATTRIBUTES = {
    "cv_results_": """
cv_results_ : dict of numpy (masked) ndarrays
    Table of results with one row per candidate and scikit-learn's columns: ``param_*``, ``params``,
    ``split*_test_*``, ``mean_test_*``, ``std_test_*``, ``rank_test_*``, ``mean_fit_time`` and so on. Times
    are in seconds. `pandas.DataFrame` accepts it.""",
    "history_": """
history_ : History
    All candidates and their folds in the order in which they were proposed, with states and error
    messages.""",
    "space_": """
space_ : dict or list of dict
    The search space: as it was given, or the one that 'auto' stood for. Not for a search over given
    points.""",
    "stop_reason_": """
stop_reason_ : {"completed", "constraint", "interrupted", "max_time", "target_score", "patience"}
    Reason why the search ended. "constraint": there are fewer candidates than were asked for, because no
    others were found that the constraint allows.""",
    "reuse_report_": """
reuse_report_ : ReuseReport
    Fits that candidates shared, and the time that this saved. Printing it gives a table.""",
    "best_estimator_": """
best_estimator_ : estimator
    The best candidate, fitted on all data. Only if `refit` is not False.""",
    "best_score_": """
best_score_ : float
    Mean score of the best candidate over the folds. Not if `refit` is a callable other than a rule of
    `skhpt.select`.""",
    "corrected_score_": """
corrected_score_ : CorrectedScore
    Expected score of the best candidate, corrected for the optimism of choosing the best of many, and its
    confidence interval. Only if `return_predictions` is True. It is computed at the first access.""",
    "corrected_gain_": """
corrected_gain_ : CorrectedGain
    Expected gain of the best candidate over the estimator as it is, corrected for the optimism of choosing
    the best of many, and its confidence interval, from the scores of the folds. Only if the candidate with
    the parameters of the estimator was evaluated, and if a mean score decides (`refit` is not a callable).""",
    "best_params_": """
best_params_ : dict
    Parameters of the best candidate.""",
    "best_index_": """
best_index_ : int
    Row of the best candidate in ``cv_results_``.""",
    "scorer_": """
scorer_ : function or a dict
    Scorer of the folds, or a dict of scorers if there are several metrics.""",
    "n_splits_": """
n_splits_ : int
    Number of folds.""",
    "refit_time_": """
refit_time_ : float
    Time of the refit, in seconds. Only if `refit` is not False.""",
    "multimetric_": """
multimetric_ : bool
    Whether there are several metrics.""",
    "classes_": """
classes_ : ndarray of shape (n_classes,)
    Class labels. Only if `refit` is not False and the estimator is a classifier.""",
    "n_features_in_": """
n_features_in_ : int
    Number of features seen during :term:`fit`. Only if `refit` is not False and the estimator has it.""",
    "feature_names_in_": """
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of features seen during :term:`fit`. Only if `refit` is not False and the estimator has it.""",
}

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", flags=re.MULTILINE)
_ENTRY_START = re.compile(r"^(?=\S)", flags=re.MULTILINE)


def add_shared_docs(search: Class) -> Class:
    """Add the shared parameters and attributes to the docstring of a search."""
    if search.__doc__ is None:  # python -OO
        return search
    intro, *rest = _SECTION.split(inspect.cleandoc(search.__doc__))
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    own_parameters = _entries(sections.pop("Parameters", ""))
    own_attributes = _entries(sections.pop("Attributes", ""))
    described = PARAMETERS | own_parameters
    parameters = [described[name] for name in inspect.signature(search).parameters]
    attributes = list(
        (own_attributes | {n: t for n, t in ATTRIBUTES.items() if n not in own_attributes}).values()
    )
    sections = {"Parameters": _joined(parameters), "Attributes": _joined(attributes)} | sections
    texts = [f"{title}\n{'-' * len(title)}\n{text.strip()}\n" for title, text in sections.items()]
    search.__doc__ = "\n".join([intro.strip() + "\n", *texts])
    return search


def _entries(section: str) -> dict[str, str]:
    """Return the entries of a section by name."""
    entries = {}
    for text in _ENTRY_START.split(section):
        if text.strip():
            entries[text.partition(" : ")[0]] = text
    return entries


def _joined(entries: list[str]) -> str:
    return "\n\n".join(entry.strip() for entry in entries)
