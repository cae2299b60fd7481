"""Tables of results as trials: what scikit-learn's ``cv_results_`` tells of failures, races and rungs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from math import isnan, nan
from typing import Any

from skhpt._typing import Params
from skhpt.identity import params_key
from skhpt.results.results_table import Table, is_empty, trials_from_table
from skhpt.trial import Candidate, FoldScore, State, Trial

#: Columns that describe the place of a trial in a search with rungs.
RUNG_COLUMNS = ("candidate_id", "bracket", "rung", "iter", "n_resources", "n_folds")


def read_trials(table: Table, *, has_races: bool = True, error_score: float = nan) -> list[Trial]:
    """Read the trials of a table, with the states of the folds and the rungs as far as the table tells them.

    Parameters
    ----------
    table : mapping of str to sequence
        The table.
    has_races : bool, default=True
        Whether folds without a score at the end of a row may have been skipped by a race; otherwise they failed.
    error_score : float, default=nan
        Score that the table has for failures; NaN if that is not known.

    Raises
    ------
    ValueError
        If the table has no scores or no parameters.
    """
    numbers: dict[Hashable, int] = {}
    trials = []
    for row, trial in enumerate(trials_from_table(table, name="source")):
        candidate = _with_rung(trial.candidate, table, row, numbers)
        folds = trial.folds
        if _has_failed(table, row, folds, error_score):
            folds = tuple(replace(fold, test_score=None, state="failed") for fold in folds)
        elif "n_folds" in candidate.info:
            folds = _with_folds_of_rung(folds, candidate.info["n_folds"], _failure(table, row))
            candidate = replace(candidate, preset_folds=tuple(f for f in folds if f.state == "skipped"))
        else:
            folds = _with_failures(folds, has_races)
        trials.append(Trial(candidate, folds))
    return trials


def shown_params(trial: Trial) -> Params:
    """Return the parameters of a trial as ``cv_results_["params"]`` has them, with a resource that is one of them."""
    resource: Mapping[str, Any] = trial.candidate.info.get("resource_parameters", {})
    return {**trial.candidate.params, **resource}


def _has_failed(table: Table, row: int, folds: Sequence[FoldScore], error_score: float) -> bool:
    """Tell whether all folds of a row failed: nothing took time to score, and all have the score of failures."""
    if "n_folds" not in table and all(map(_lacks_score, folds)):
        return True
    if isnan(error_score) or "mean_score_time" not in table or table["mean_score_time"][row] != 0:
        return False
    return all(fold.score() == error_score for fold in folds)


def _failure(table: Table, row: int) -> State:
    """Return how folds without a score have failed, if a row has such folds."""
    state = str(table["state"][row]) if "state" in table else "failed"
    return "failed" if state == "ok" else state  # type: ignore[return-value]


def _with_folds_of_rung(folds: Sequence[FoldScore], n_folds: int, failure: State) -> tuple[FoldScore, ...]:
    """Mark the folds without a score: as failed if they are among the folds of the rung, and else as skipped."""
    n_failed = n_folds - sum(not _lacks_score(fold) for fold in folds)
    marked = []
    for fold in folds:
        if _lacks_score(fold):
            state: State = failure if n_failed > 0 else "skipped"
            fold = replace(fold, test_score=None, state=state)
            n_failed -= 1
        marked.append(fold)
    return tuple(marked)


def _with_failures(folds: Sequence[FoldScore], has_races: bool) -> tuple[FoldScore, ...]:
    """Mark the folds without a score as failed, except for those at the end if races may have skipped them."""
    marked = []
    for fold in folds:
        if _lacks_score(fold) and not (has_races and fold.state == "skipped"):
            fold = replace(fold, test_score=None, state="failed")
        marked.append(fold)
    return tuple(marked)


def _lacks_score(fold: FoldScore) -> bool:
    """Tell whether no metric has a score."""
    if isinstance(fold.test_score, dict):
        return all(isnan(score) for score in fold.test_score.values())
    return isnan(fold.score())


def _with_rung(candidate: Candidate, table: Table, row: int, numbers: dict[Hashable, int]) -> Candidate:
    """Return a candidate with its place among the rungs; `numbers` has the candidates of all rows before.

    The iterations of scikit-learn's successive halving are the rungs of one bracket.
    """
    info = dict(candidate.info)
    for name in RUNG_COLUMNS:
        if name in table and not is_empty(table[name][row]):
            info[name] = int(float(table[name][row]))
    if "iter" in info and "rung" not in info:
        number = numbers.setdefault(params_key(candidate.params), len(numbers))
        info |= {"candidate_id": number, "bracket": 0, "rung": info["iter"]}
    return replace(candidate, info=info)
