"""Importance of parameters: how much of the differences between scores comes from each parameter.

All methods see the same table: the candidates that have a score with the same budget, and for each parameter the
range or the choices of its values. Candidates with the same parameters make a branch.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from skhpt._compat import one_blas_thread
from skhpt._optional import import_optional
from skhpt._typing import Params
from skhpt.inspection.search_data import SearchData, Source, read_source
from skhpt.space.space import Space
from skhpt.space.summary import is_number, plain_choice
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.surrogate import Surrogate, mean_scores
from skhpt.trial import Trial

#: Smallest number of candidates with scores.
MIN_TRIALS = 4
#: Number of candidates of a budget of which the largest such budget is used.
ENOUGH_TRIALS = 30
#: Lowest score that counts, in interquartile ranges below the median.
MAX_SPREADS = 5.0
#: Largest absolute value of a score, and of a code of a forest.
MAX_SCORE, MAX_CODE = 1e100, 1e30
#: Points of the space at which the surrogate is asked for scores.
N_POINTS = 2048
#: Shuffles of each parameter in each part, and parts, for the permutation importance.
N_REPEATS, N_PARTS = 5, 5


def param_importances(
    source: Source,
    *,
    metric: str | None = None,
    params: Sequence[str] | str | None = None,
    method: str = "auto",
    random_state: int = 0,
) -> dict[str, float]:
    """Return how much each parameter mattered for the score.

    Parameters
    ----------
    source : estimator, JournalView, path-like or dict
        A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table.
    metric : str, default=None
        Name of the score; by default the one that ranks the candidates.
    params : str or sequence of str, default=None
        Names of the parameters to return; by default all that have several values in the candidates. The others
        are taken into account in any case.
    method : str, default="auto"
        - "auto": "surrogate", whatever is installed.
        - "surrogate": part of the variance of the score over the search space that would remain if only this
          parameter were unknown (total Sobol index [1]_), for the Gaussian process of `skhpt.BayesSearchCV`
          fitted to the candidates.
        - "length_scales": inverse length scales of the same Gaussian process.
        - "permutation": loss of :math:`R^2` of a random forest when the values of the parameter are shuffled
          (`sklearn.inspection.permutation_importance`), on candidates that the forest was not fitted to.
        - "ped_anova", "fanova", "mean_decrease_impurity": evaluators of Optuna, which has to be installed. The
          first asks what distinguishes the best tenth of the candidates; before Optuna 5 it gives 0 to parameters
          of some branches only.
    random_state : int, default=0
        Seed of the methods that draw points; "ped_anova" and "length_scales" do not.

    Returns
    -------
    importances : dict of str to float
        Importance by parameter, largest first. The importances are not negative and have the sum 1; all are 0 if the
        scores do not depend on any parameter.

    Raises
    ------
    ValueError
        If fewer than four candidates have a score, or `metric`, `params` or `method` is unknown.
    ImportError
        If `method` needs Optuna, and it is not installed.

    See Also
    --------
    skhpt.plots.ParamImportanceDisplay : The importances as bars.

    Notes
    -----
    Failed candidates are left out. Scores that are more than five interquartile ranges below the median count as this
    limit, so that a few extreme ones do not decide. Of a search with rungs, the candidates of one budget are
    compared: the largest budget that 30 of them had, or else the budget that most of them had.

    In a space with branches, a parameter counts within the candidates that have it. The choice of the branch counts
    for the parameters that tell the branches apart, such as ``kernel`` in ``[{"kernel": ["linear"]}, {"kernel":
    ["rbf"], "gamma": ...}]``; if there are none, for the parameters that only some branches have.

    References
    ----------
    .. [1] Saltelli, Annoni, Azzini, Campolongo, Ratto and Tarantola (2010), Variance based sensitivity analysis of
       model output, Computer Physics Communications 181, table 2, estimator (f).

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.svm import SVC
    >>> from skhpt import RandomSearch
    >>> from skhpt.inspection import param_importances
    >>> space = {"gamma": loguniform(1e-6, 1), "C": loguniform(0.1, 100), "shrinking": [True, False]}
    >>> search = RandomSearch(SVC(), space, n_iter=30, random_state=0).fit(*load_wine(return_X_y=True))
    >>> list(param_importances(search))
    ['gamma', 'C', 'shrinking']
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {list(METHODS)}, got {method!r}")
    data = read_source(source)
    names = data.checked_params(params)
    table = comparable_candidates(data, metric)
    if not table.names or np.ptp(table.scores) == 0:
        return dict.fromkeys(names, 0.0)
    raw = _raw_importances(method, table, random_state)
    importances = {name: max(0.0, raw.get(name, 0.0)) for name in names}
    total = sum(importances.values())
    order = sorted(importances, key=lambda name: -importances[name])
    return {name: importances[name] / total if total > 0 else 0.0 for name in order}


@one_blas_thread()  # the matrices are small: threads would wait for each other
def _raw_importances(method: str, table: CandidateTable, random_state: int) -> dict[str, float]:
    return METHODS[method](table, random_state)


# -- the candidates ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CandidateTable:
    """Candidates whose scores compare, with plain values of their parameters.

    Attributes
    ----------
    trials : list of Trial
        The trials. Their parameters are numbers, None, booleans and texts.
    scores : ndarray of shape (n_trials,)
        Mean scores; all are finite.
    names : list of str
        Parameters that have several values, or are missing in some candidates.
    ranges : dict of str to (float, float, bool)
        Lowest and highest value of the numeric parameters, and whether they have a logarithmic scale.
    """

    trials: Sequence[Trial]
    scores: np.ndarray
    names: Sequence[str]
    ranges: Mapping[str, tuple[float, float, bool]]

    @property
    def params(self) -> list[Params]:
        """Parameters of the candidates."""
        return [trial.candidate.params for trial in self.trials]

    def choices(self, name: str, params: Sequence[Params] | None = None) -> list[Any]:
        """Return the different values of a parameter, by default in all candidates."""
        values = [each[name] for each in (self.params if params is None else params) if name in each]
        return list({repr(value): value for value in values}.values())

    @cached_property
    def branches(self) -> list[dict[str, Any]]:
        """Definitions of the parameters that several candidates have in common, as `Space` takes them."""
        rows: dict[frozenset[str], list[Params]] = defaultdict(list)
        for params in self.params:
            rows[frozenset(params)].append(params)
        return [{name: self._definition(name, group) for name in group[0]} for group in rows.values()]

    def _definition(self, name: str, params: Sequence[Params]) -> Any:
        if name not in self.ranges:
            return self.choices(name, params)
        low, high, log = self.ranges[name]
        return loguniform(low, high) if log else uniform(low, high - low)

    @property
    def branch_params(self) -> list[str]:
        """Parameters that the choice of the branch counts for; empty if there is one branch."""
        if len(self.branches) == 1:
            return []
        common = [name for name in self.names if all(name in branch for branch in self.branches)]
        telling = [name for name in common if name not in self.ranges and self._tells_branches(name)]
        return telling or [name for name in self.names if name not in common]

    def _tells_branches(self, name: str) -> bool:
        counts = Counter(repr(value) for branch in self.branches for value in branch[name])
        return max(counts.values()) == 1


def comparable_candidates(data: SearchData, metric: str | None = None) -> CandidateTable:
    """Return the candidates with a score and the same budget; raise ValueError if there are fewer than four."""
    key = data.score_name(data.checked_metric(metric))
    trials = _trials_of_one_budget(data, key)
    scores = mean_scores(trials, key)
    rows = np.flatnonzero(np.isfinite(scores))
    if len(rows) < MIN_TRIALS:
        raise ValueError(
            f"importances need at least {MIN_TRIALS} candidates with a score, got {len(rows)} "
            f"({data.n_trials} trials)"
        )
    plain = [_with_plain_params(trials[row]) for row in rows]
    table = CandidateTable(plain, scores[rows], [], {})
    all_names = dict.fromkeys(name for params in table.params for name in params)
    names = [name for name in all_names if _varies(table, name)]
    ranges = {name: bounds for name in names if (bounds := _range(data, name, table.choices(name)))}
    own = [_with_params(trial, names) for trial in plain]
    return CandidateTable(own, _without_outliers(_without_overflow(scores[rows])), names, ranges)


def _without_outliers(scores: np.ndarray) -> np.ndarray:
    """Return the scores, of which those far below the others are raised."""
    low, median, high = np.quantile(scores, [0.25, 0.5, 0.75])
    limit = median - MAX_SPREADS * (high - low)
    return np.maximum(scores, limit) if high > low else scores


def _without_overflow(scores: np.ndarray) -> np.ndarray:
    """Return the scores in a unit in which their squares are finite; importances do not depend on the unit."""
    largest = np.abs(scores).max()
    return scores / largest if largest > MAX_SCORE else scores


def _trials_of_one_budget(data: SearchData, metric: str | None) -> list[Trial]:
    """Return the trials of the largest budget that enough trials with a score have, or of the most common one."""
    trials_of: dict[tuple[float, int], list[Trial]] = defaultdict(list)
    for trial, budget, score in zip(data.trials, data.budgets, mean_scores(data.trials, metric)):
        if np.isfinite(score):
            trials_of[budget].append(trial)
    if not trials_of:
        return []
    large = [budget for budget, trials in trials_of.items() if len(trials) >= ENOUGH_TRIALS]
    return trials_of[
        max(large) if large else max(trials_of, key=lambda budget: (len(trials_of[budget]), budget))
    ]


def _with_plain_params(trial: Trial) -> Trial:
    params = {name: _plain(value) for name, value in trial.candidate.params.items()}
    return replace(trial, candidate=replace(trial.candidate, params=params))


def _with_params(trial: Trial, names: Sequence[str]) -> Trial:
    params = {name: trial.candidate.params[name] for name in names if name in trial.candidate.params}
    return replace(trial, candidate=replace(trial.candidate, params=params))


def _plain(value: Any) -> Any:
    """Return a value as a number, None, a boolean or a text; NaN and infinity are texts."""
    value = plain_choice(value)
    return repr(value) if isinstance(value, float) and not is_number(value) else value


def _varies(table: CandidateTable, name: str) -> bool:
    return len(table.choices(name)) > 1 or any(name not in params for params in table.params)


def _range(data: SearchData, name: str, values: Sequence[Any]) -> tuple[float, float, bool] | None:
    """Return the range of a parameter, with all of its values; None for choices."""
    summary = data.summaries[name]
    if summary.kind == "categorical" or not all(map(is_number, values)):
        return None
    ends = [end for end in (summary.low, summary.high) if end is not None]
    low, high = min([*ends, *values]), max([*ends, *values])
    return (float(low), float(high), summary.log and low > 0) if low < high else None


# -- with the surrogate --------------------------------------------------------------------------------------


def _total_effects(table: CandidateTable, seed: int) -> dict[str, float]:
    """Return the total Sobol indices of the mean of the surrogate over the space, not divided by its variance."""
    surrogate = _surrogate(table)
    rng = np.random.default_rng(seed)
    u, other = rng.random((2, N_POINTS, len(surrogate.space.columns)))
    means = _predict(surrogate, u)
    effects = {}
    for name, columns in _columns(table, surrogate.space).items():
        changed = u.copy()
        changed[:, columns] = other[:, columns]
        effects[name] = float(
            np.mean((means - _predict(surrogate, changed)) ** 2) / 2
        )  # Saltelli et al., (f)
    return effects


def _length_scales(table: CandidateTable, seed: int) -> dict[str, float]:
    surrogate = _surrogate(table)
    columns = _columns(table, surrogate.space)
    return {name: float(np.sum(1 / surrogate.posterior.lengths[own])) for name, own in columns.items()}


def _surrogate(table: CandidateTable) -> Surrogate:
    number_of = {id(trial): i for i, trial in enumerate(table.trials)}

    def target(trials: Sequence[Trial]) -> np.ndarray:
        return table.scores[[number_of[id(trial)] for trial in trials]]

    # Costs are standardised and have no prior mean that falls towards the ends of each range.
    return Surrogate(Encoder(Space([*table.branches])), table.trials, target, kind="cost")


def _predict(surrogate: Surrogate, u: np.ndarray) -> np.ndarray:
    return surrogate.posterior.predict_mean(surrogate.embedding(surrogate.space.snap(u)))


def _columns(table: CandidateTable, space: Space) -> dict[str, list[int]]:
    """Return the columns of the cube that belong to each parameter."""
    columns: dict[str, list[int]] = {name: [] for name in table.names}
    for i, column in enumerate(space.columns):
        for name in table.branch_params if column.name is None else [column.name]:
            if name in columns:
                columns[name].append(i)
    return columns


# -- with a forest -------------------------------------------------------------------------------------------


def _permutation(table: CandidateTable, seed: int) -> dict[str, float]:
    X = np.column_stack([_codes(table, name) for name in table.names])
    losses = []
    for fitted, held_out in KFold(min(N_PARTS, len(X) // 2), shuffle=True, random_state=seed).split(X):
        forest = RandomForestRegressor(random_state=seed).fit(X[fitted], table.scores[fitted])
        result = permutation_importance(
            forest,
            X[held_out],
            table.scores[held_out],
            n_repeats=N_REPEATS,
            random_state=seed,
            scoring="neg_mean_squared_error",  # the variance of the part is no scale: it may be 0
        )
        losses.append(result.importances_mean)
    return dict(zip(table.names, np.mean(losses, axis=0).tolist()))


def _codes(table: CandidateTable, name: str) -> np.ndarray:
    """Return the numbers of a parameter or the numbers of its choices, shape (n_trials,); NaN where it is missing."""
    if name in table.ranges:
        values = [params.get(name, np.nan) for params in table.params]
        codes: np.ndarray = np.clip(np.array(values, dtype=float), -MAX_CODE, MAX_CODE)  # trees take 32 bits
        return codes
    numbers = {repr(value): i for i, value in enumerate(sorted(table.choices(name), key=_sort_key))}
    return np.array(
        [numbers[repr(params[name])] if name in params else np.nan for params in table.params], dtype=float
    )


def _sort_key(value: Any) -> tuple[bool, float, str]:
    return (is_number(value), value if is_number(value) else 0, repr(value))


# -- with Optuna ---------------------------------------------------------------------------------------------


def _ped_anova(table: CandidateTable, seed: int) -> dict[str, float]:
    importance = import_optional("optuna.importance", "method='ped_anova'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna 3 calls it experimental
        evaluator = importance.PedAnovaImportanceEvaluator()
    return _evaluate(table, evaluator, fill=False)


def _fanova(table: CandidateTable, seed: int) -> dict[str, float]:
    importance = import_optional("optuna.importance", "method='fanova'")
    return _evaluate(table, importance.FanovaImportanceEvaluator(seed=seed), fill=True)


def _impurity(table: CandidateTable, seed: int) -> dict[str, float]:
    importance = import_optional("optuna.importance", "method='mean_decrease_impurity'")
    return _evaluate(table, importance.MeanDecreaseImpurityImportanceEvaluator(seed=seed), fill=True)


def _evaluate(table: CandidateTable, evaluator: Any, *, fill: bool) -> dict[str, float]:
    """Ask an evaluator of Optuna; with `fill`, candidates get a value of each parameter that they lack."""
    optuna = import_optional("optuna", "param_importances")
    study = _new_study(optuna)
    distributions = {name: _distribution(optuna, table, name) for name in table.names}
    for params, score in zip(table.params, table.scores):
        own = params
        if fill:
            own = {name: params.get(name, _middle(distributions[name])) for name in table.names}
        study.add_trial(
            optuna.trial.create_trial(
                params=own, distributions={name: distributions[name] for name in own}, value=float(score)
            )
        )
    return {name: float(value) for name, value in evaluator.evaluate(study).items()}


def _new_study(optuna: Any) -> Any:
    """Return an empty study in memory; Optuna does not log it."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(direction="maximize")
    finally:
        optuna.logging.set_verbosity(verbosity)


def _distribution(optuna: Any, table: CandidateTable, name: str) -> Any:
    if name not in table.ranges:
        missing = [] if all(name in params for params in table.params) else ["missing"]
        return optuna.distributions.CategoricalDistribution([*missing, *table.choices(name)])
    low, high, log = table.ranges[name]
    return optuna.distributions.FloatDistribution(low, high, log=log)


def _middle(distribution: Any) -> Any:
    """Return what stands for a missing value: the middle of a range, and a choice of its own."""
    if hasattr(distribution, "choices"):
        return distribution.choices[0]
    if distribution.log:
        return float(np.sqrt(distribution.low * distribution.high))
    return (distribution.low + distribution.high) / 2


#: Function of each method: ``function(table, seed)`` returns importances that are not normalised.
METHODS: dict[str, Callable[[CandidateTable, int], dict[str, float]]] = {
    "auto": _total_effects,
    "surrogate": _total_effects,
    "length_scales": _length_scales,
    "permutation": _permutation,
    "ped_anova": _ped_anova,
    "fanova": _fanova,
    "mean_decrease_impurity": _impurity,
}
