"""Resuming a search: the header of its journal, and the trials, folds and draws that a journal brings."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Real
from socket import gethostname
from typing import Any

import numpy as np
import scipy
import sklearn
from sklearn.utils import check_random_state

from skhpt import journal
from skhpt._typing import Estimator, Params, RandomState
from skhpt.fingerprint import describe_data, describe_value, is_quick
from skhpt.fitting.scorers import is_multimetric, metric_names, task_of
from skhpt.history import History
from skhpt.session.fidelity import MultiFidelity
from skhpt.session.session import DrawnPoints, Session
from skhpt.space.dimensions import Choice, Dimension
from skhpt.space.scipy_adapter import source_repr
from skhpt.space.space import Space
from skhpt.space.summary import summary_to_json
from skhpt.strategies.schedule import PLAN_COLUMNS, Plan
from skhpt.trial import Candidate
from skhpt.user_code import describe_user_code

#: Parameters of searches that a journal does not depend on, or that other parts of its header describe.
NOT_COMPARED = {
    *("estimator", "param_grid", "param_distributions", "candidates"),
    *("scoring", "return_train_score", "cv", "previous", "random_state", "initial_points"),
    *(
        "n_iter",
        "refit",
        "error_score",
        "n_jobs",
        "pre_dispatch",
        "verbose",
        "reuse",
        "reuse_memory",
        "warm_start",
    ),
    *("journal", "max_time", "target_score", "patience", "on_interrupt"),
    *("fit_timeout", "fit_resources", "max_retries"),
}

#: Largest number of characters of an error that ended a search.
MAX_ERROR = 500

#: Parameters whose code need not be compared: their effect on the results is, or there is none.
NOT_CODE = {"cv", "previous", "refit", "journal"}


def journal_header(
    session: Session,
    *,
    search_name: str,
    search_params: Params,
    estimator: Estimator,
    space: str,
    metric: str | None,
    own_params: Params | None = None,
) -> journal.Header:
    """Return the header of a search's journal.

    Parameters
    ----------
    session : Session
        The session that the journal records.
    search_name : str
        Name of the class of the search.
    search_params : dict
        Parameters of the search.
    estimator : estimator
        The estimator as the user gave it.
    space : str
        Description of the search space.
    metric : str or None
        Name of the metric that candidates are compared by; None for the only or first metric.
    own_params : dict, default=None
        Parameters of the estimator, which readers show where a candidate leaves them out.
    """
    scorer = session.inputs.scorer
    error_score = search_params["error_score"]
    return journal.Header(
        fingerprint=_identity(session, search_name, search_params, estimator, space),
        metadata={
            "draws": session.drawn.draws if session.drawn else describe_draws(session.random_state),
            "folds": session.folds.to_json(),
            "n_splits": len(session.folds),
            "metrics": metric_names(scorer) if is_multimetric(scorer) else None,
            "refit_metric": metric,
            "error_score": float(error_score) if isinstance(error_score, Real) else None,
            "return_train_score": bool(search_params["return_train_score"]),
            **session.resolved_params,
            **_facts_for_readers(session, search_name),
            **({} if own_params is None else {"own": journal.texts_record(own_params)}),
        },
    )


def _facts_for_readers(session: Session, search_name: str) -> dict[str, Any]:
    """Describe a search to other processes, which have none of its objects."""
    X, fidelity = session.inputs.X, session.fidelity
    shape: tuple[int, ...] = getattr(X, "shape", None) or (len(X),)
    return {
        "search": search_name,
        "space": summary_to_json(session.space_summary),
        "resource": fidelity.resource if isinstance(fidelity, MultiFidelity) else None,
        "task": task_of(session.inputs.estimator) or None,
        "n_rows": int(shape[0]),
        "n_columns": int(shape[1]) if len(shape) > 1 else None,
        **_process(),
    }


def _process() -> dict[str, Any]:
    """Describe this process."""
    return {"pid": os.getpid(), "host": gethostname()}


def begin(session: Session, n_planned: int | None, plan: Plan | None = None) -> None:
    """Write to the journal that a search begins or is resumed: the number of its trials at the end, and its process."""
    if session.journal is None:
        return
    rungs = None if plan is None else [[row[name] for name in PLAN_COLUMNS] for row in plan]
    session.journal.begin(n_planned=n_planned, plan=rungs, skhpt=journal.version(), **_process())


@contextmanager
def recording(session: Session, get_stop_reason: Callable[[], str]) -> Iterator[None]:
    """Keep the journal of a session open, and write at the end, once, why the search ended."""
    if session.journal is None:
        yield
        return
    with session.journal as opened:
        try:
            yield
        except KeyboardInterrupt:
            opened.end("interrupted")
            raise
        except BaseException as error:
            opened.end("error", error=_text_of(error), kind=type(error).__name__)
            raise
        if not opened.has_ended:  # also if all candidates are of earlier searches
            opened.record_event("ended", reason=get_stop_reason())


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:MAX_ERROR]
    except BaseException:  # the error of a user's class, which is raised in any case
        return ""


def _identity(
    session: Session, search_name: str, search_params: Params, estimator: Estimator, space: str
) -> dict[str, str]:
    """Describe, part by part, everything that must be the same if a journal is to be resumed."""
    resolved = search_params | session.resolved_params
    compared = {name: value for name, value in resolved.items() if name not in NOT_COMPARED}
    seed = session.random_state
    earlier = [*session.history.earlier, *session.history.prior]
    scores = [(trial.candidate.params, [fold.score() for fold in trial.folds]) for trial in earlier]
    return {
        "data": _describe_data(session),
        "folds": session.fingerprint.folds,
        "scoring": session.fingerprint.scoring,
        "estimator": describe_value(estimator),
        "space": space,
        "search": f"{search_name} {describe_value(compared)}",
        "random_state": str(int(seed)) if isinstance(seed, (int, np.integer)) else "drawn",
        "previous": describe_value(scores) if scores else "nothing",
        "versions": ", ".join(f"{name} {version}" for name, version in _versions(estimator).items()),
        "code": describe_user_code({n: v for n, v in search_params.items() if n not in NOT_CODE}),
    }


def resume(
    session: Session,
    path: Any,
    *,
    header: journal.Header,
    codec: journal.Codec,
    error_score: Any,
    own_params: journal.OwnParams | None = None,
) -> Session:
    """Begin the journal of a search, or return the session with what an existing journal holds.

    Raises
    ------
    ValueError
        If the journal is that of another search.
    RuntimeError
        If the journal has a failure, and ``error_score="raise"``.
    """
    n_earlier = session.history.n_earlier_trials
    opened = journal.open_journal(path, header, codec, n_earlier_trials=n_earlier, own_params=own_params)
    try:
        _check_metadata(opened.metadata, path, session.random_state)
        random_state = session.random_state
        if not session.drawn:
            random_state = restore_draws(random_state, opened.metadata["draws"])
        if opened.is_resumed:
            history, n_reported = _resumed_history(session.history, opened, path, error_score), n_earlier
            opened.forget_contents()
            opened.record_event("resumed")
        else:
            history, n_reported = session.history, session.n_reported
            opened.earlier(history.earlier)
            opened.asked([trial.candidate for trial in history.own])
            opened.scored(*(fold for trial in history.own for fold in trial.folds))
    except BaseException:
        opened.close()
        raise
    return replace(session, history=history, n_reported=n_reported, random_state=random_state, journal=opened)


def _resumed_history(history: History, opened: journal.Journal, path: Any, error_score: Any) -> History:
    """Return the trials of earlier searches with those of a journal, which begins with the trials of this search."""
    own = [trial.candidate for trial in history.own]
    if _descriptions(opened.candidates[: len(own)]) != _descriptions(own):
        raise ValueError(
            f"journal={path!r} does not begin with the {len(own)} candidates that this search has evaluated "
            "already: it is that of another search"
        )
    resumed = History(history.earlier, prior=history.prior, n_earlier_trials=history.n_earlier_trials)
    resumed.add(opened.candidates)
    for fold in opened.folds:
        resumed.add_fold(fold)
    errors = [fold.error for fold in opened.folds if fold.error]
    if error_score == "raise" and errors:
        raise RuntimeError(f"error_score='raise', and journal={path!r} has a failure:\n{errors[0]}")
    return resumed


def _descriptions(candidates: Sequence[Candidate]) -> list[str]:
    return [describe_value(dict(candidate.params)) for candidate in candidates]


def _describe_data(session: Session) -> str:
    """Describe the data such that the description is the same in every process."""
    description, inputs = session.fingerprint.data, session.inputs
    return describe_data(inputs.X, inputs.y, inputs.params) if is_quick(description) else description


# -- what the header describes -------------------------------------------------------------------------------


def describe_space(space: Space) -> str:
    """Describe a space by its choices and distributions."""
    branches = []
    for branch in space.branches:
        dimensions = (f"{name}: {_describe_dimension(dimension)}" for name, dimension in branch.items())
        branches.append("{" + ", ".join(dimensions) + "}")
    return " or ".join(branches)


def _describe_dimension(dimension: Dimension) -> str:
    if isinstance(dimension, Choice):
        return describe_value(dimension.values)
    text = source_repr(dimension.definition)
    return describe_value(dimension.definition) if " at 0x" in text else text


def _versions(estimator: Estimator) -> dict[str, str]:
    """Return the versions of the packages that compute scores."""
    versions = {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
    parts = [estimator, *estimator.get_params(deep=True).values()]
    packages = {type(part).__module__.split(".")[0] for part in parts if hasattr(part, "fit")} - {"sklearn"}
    for name in sorted(packages):
        version = getattr(sys.modules.get(name), "__version__", None)
        if isinstance(version, str):
            versions[name] = version
    return versions


# -- random draws --------------------------------------------------------------------------------------------


def describe_draws(random_state: RandomState) -> dict[str, Any]:
    """Return, as JSON, what determines the draws from a `random_state`."""
    if isinstance(random_state, np.random.RandomState):
        kind, keys, *rest = random_state.get_state(legacy=True)
        return {"state": [kind, np.asarray(keys).tolist(), *rest]}
    if random_state is None:
        return {"seed": int(np.random.randint(2**31 - 1))}
    return {}


def draw_points(
    draw: Callable[[RandomState], list[Params]], random_state: RandomState, metadata: Mapping[str, Any] | None
) -> DrawnPoints:
    """Draw the points of a search, or those of its journal again.

    Parameters
    ----------
    draw : callable
        ``draw(random_state)`` returns the points.
    random_state : int, RandomState or None
        The parameter; None stands for numpy's global generator.
    metadata : dict or None
        Metadata of the journal to resume; None for a search that begins.
    """
    if metadata is None:
        is_int = isinstance(random_state, (int, np.integer))
        draws = describe_draws(random_state if is_int else check_random_state(random_state))
        return DrawnPoints(draw(random_state), draws)
    draws = metadata["draws"]
    source = np.random.RandomState(0) if random_state is None else random_state
    return DrawnPoints(draw(restore_draws(source, draws)), draws)


def restore_draws(random_state: RandomState, draws: Mapping[str, Any]) -> RandomState:
    """Return a `random_state` that repeats the draws that were described."""
    if "seed" in draws:
        return int(draws["seed"])
    if "state" in draws:
        generator = (
            random_state if isinstance(random_state, np.random.RandomState) else np.random.RandomState()
        )
        generator.set_state(_generator_state(draws["state"]))
        return generator
    return random_state


def _generator_state(state: Sequence[Any]) -> tuple[Any, ...]:
    """Return the state of a generator as ``set_state`` accepts it, from its JSON."""
    kind, keys, *rest = state
    return (kind, np.array(keys, dtype=np.uint32), *rest)


# -- what the header brings ----------------------------------------------------------------------------------


def stored_header(path: Any, random_state: RandomState) -> journal.Header | None:
    """Return the header of a journal that a search can be resumed from; None if there is none.

    Raises
    ------
    ValueError
        If the file is not a journal, or its header is damaged.
    """
    header = journal.read_header(path)
    if header is not None:
        _check_metadata(header.metadata, path, random_state)
    return header


def stored_count(stored: journal.Header, path: Any, name: str, default: int) -> int:
    """Return a positive number that the header of a journal has; `default` if the journal is older than its name."""
    count = stored.metadata.get(name, default)
    if type(count) is not int or count < 1:
        raise _invalid_metadata(path, name, f"is {count!r}, not a positive integer")
    return count


def _check_metadata(metadata: Mapping[str, Any], path: Any, random_state: RandomState) -> None:
    """Check the draws and the folds that the header of a journal has."""
    draws, folds = metadata.get("draws"), metadata.get("folds")
    if not isinstance(draws, dict) or not _are_draws(draws):
        raise _invalid_metadata(path, "draws", "is missing or not the description of random draws")
    if not draws and (random_state is None or isinstance(random_state, np.random.RandomState)):
        raise _invalid_metadata(path, "draws", "has neither a seed nor a state")
    if not isinstance(folds, dict) or not _are_folds(folds):
        raise _invalid_metadata(path, "folds", "is missing or not a description of folds")


def _invalid_metadata(path: Any, key: str, problem: str) -> ValueError:
    return ValueError(
        f"journal={str(path)!r}, line 1: {key} (in facts) {problem}. The line was changed after it was written; "
        "restore the file from a copy, or set journal= to another path."
    )


def _are_draws(draws: dict[str, Any]) -> bool:
    if "state" in draws:
        try:
            np.random.RandomState().set_state(_generator_state(draws["state"]))
        except (LookupError, TypeError, ValueError, OverflowError):
            return False
    seed = draws.get("seed", 0)
    return type(seed) is int and 0 <= seed < 2**32


def _are_folds(folds: dict[str, Any]) -> bool:
    if not folds:
        return True
    splits = folds.get("splits")
    if not isinstance(folds.get("cv"), str) or not isinstance(splits, list):
        return False
    for split in splits:
        if not isinstance(split, list) or len(split) != 2:
            return False
        for part in split:
            if not isinstance(part, list) or not all(type(row) is int and row >= 0 for row in part):
                return False
    return True
