"""What a journal needs to know of a search, and what a search takes over from a journal."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import scipy
import sklearn

from skhpt import journal
from skhpt.fingerprint import Fingerprint, describe_value
from skhpt.history import History
from skhpt.session.session import Folds, Session
from skhpt.space.dimensions import Choice
from skhpt.space.scipy_adapter import source_repr
from skhpt.space.space import Space
from skhpt.trial import Candidate, Trial

#: Parameters of searches that neither the candidates nor their scores depend on, or that are described elsewhere.
_ELSEWHERE = {
    *(
        "estimator",
        "param_grid",
        "param_distributions",
        "candidates",
        "scoring",
        "return_train_score",
        "cv",
        "previous",
    ),
    *("n_iter", "refit", "error_score", "n_jobs", "pre_dispatch", "verbose", "reuse", "reuse_memory", "warm_start"),
    *("journal", "max_time", "target_score", "patience", "fit_timeout", "max_retries", "on_interrupt", "random_state"),
}


def open_journal(search: Any, session: Session, stored: journal.StoredJournal | None) -> Session:
    """Begin the journal of a search, or go on with what it has."""
    history, folds = session.history, session.folds
    given = History(history[: history.n_earlier_trials], history.prior, history.n_earlier_trials)
    draws = describe_draws(session.random_state)
    space, codec = search._space_for_journal()
    header = journal.Header(
        fingerprint=describe_search(search, session.fingerprint, space, given),
        metadata={"draws": draws, "folds": describe_splits(folds), "n_splits": len(folds)}
        | _facts_to_show(search, session),
    )
    opened = journal.open_journal(
        search.journal, header, codec, stored=stored, n_earlier_trials=history.n_earlier_trials
    )
    try:
        if opened.is_resumed:
            history = _taken_over(search, opened, history[history.n_earlier_trials :], given)
            opened.record_event("resumed")
        else:
            _write_down(opened, history[history.n_earlier_trials :])
    except BaseException:
        opened.close()
        raise
    random_state = draws_again(session.random_state, opened.metadata["draws"])
    n_known = history.n_earlier_trials if opened.is_resumed else session.n_known
    return replace(session, history=history, n_known=n_known, random_state=random_state, journal=opened)


def _taken_over(search: Any, opened: journal.Journal, own: Sequence[Trial], given: History) -> History:
    """Return what was given with what a journal has, which begins with the trials of the search itself."""
    there, here = ([describe_value(dict(one.params)) for one in some] for some in (opened.candidates, _asked(own)))
    if there[: len(here)] != here:
        raise ValueError(
            f"journal={search.journal!r} does not begin with the {len(own)} candidates that this search has evaluated "
            "already: it is that of another search"
        )
    given.add(opened.candidates)
    for fold in opened.folds:
        given.add_fold(fold)
    if search.error_score == "raise" and (errors := [fold.error for fold in opened.folds if fold.error]):
        raise RuntimeError(f"error_score='raise', and journal={search.journal!r} has a failure:\n{errors[0]}")
    return given


def _write_down(opened: journal.Journal, own: Sequence[Trial]) -> None:
    opened.asked(_asked(own))
    opened.scored(*(fold for trial in own for fold in trial.folds))


def _asked(trials: Sequence[Trial]) -> list[Candidate]:
    return [trial.candidate for trial in trials]


def _facts_to_show(search: Any, session: Session) -> dict[str, Any]:
    """Return what one needs to know in order to make a table of a journal."""
    metrics = getattr(session.setup.scorer, "_scorers", None)
    error_score = float(search.error_score) if isinstance(search.error_score, Real) else None
    return {"metrics": list(metrics or ()) or None, "refit_metric": search._metric, "error_score": error_score}


def describe_search(search: Any, mark: Fingerprint, space: str, history: History) -> dict[str, str]:
    """Describe everything that must be the same if a journal is to be gone on with, part by part."""
    params = {name: value for name, value in search.get_params(deep=False).items() if name not in _ELSEWHERE}
    seed = getattr(search, "random_state", None)
    given = [(trial.candidate.params, [fold.score() for fold in trial.folds]) for trial in (*history, *history.prior)]
    return {
        "data": mark.data,
        "folds": mark.folds,
        "scoring": mark.scoring,
        "estimator": describe_value(search.estimator),
        "space": space,
        "search": f"{type(search).__name__} {describe_value(params)}",
        "random_state": str(int(seed)) if isinstance(seed, (int, np.integer)) else "drawn",
        "previous": describe_value(given) if given else "nothing",
        "versions": ", ".join(f"{name} {version}" for name, version in _versions(search.estimator).items()),
    }


def describe_space(space: Space) -> str:
    """Describe a space by its choices and distributions."""
    return " or ".join(
        "{" + ", ".join(f"{name}: {_describe_dimension(dim)}" for name, dim in branch.items()) + "}"
        for branch in space.branches
    )


def _describe_dimension(dimension: Any) -> str:
    if isinstance(dimension, Choice):
        return describe_value(dimension.values)
    text = source_repr(dimension.definition)
    return describe_value(dimension.definition) if " at 0x" in text else text


def _versions(estimator: Any) -> dict[str, str]:
    """Return the versions of whatever computes scores."""
    known = {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
    parts = [estimator, *estimator.get_params(deep=True).values()]
    packages = {type(part).__module__.split(".")[0] for part in parts if hasattr(part, "fit")} - {"sklearn"}
    others = {name: getattr(sys.modules.get(name), "__version__", None) for name in sorted(packages)}
    return known | {name: version for name, version in others.items() if isinstance(version, str)}


# -- random draws ------------------------------------------------------------------------------------------------


def describe_draws(random_state: Any) -> dict[str, Any]:
    """Return, as JSON, what it takes to draw again what is going to be drawn."""
    if isinstance(random_state, np.random.RandomState):
        kind, keys, *rest = random_state.get_state(legacy=True)
        return {"state": [kind, np.asarray(keys).tolist(), *rest]}
    if random_state is None:
        return {"seed": int(np.random.randint(2**31 - 1))}
    return {}


def draws_again(random_state: Any, draws: Mapping[str, Any]) -> Any:
    """Return a `random_state` that draws what was described."""
    if "state" in draws and isinstance(random_state, np.random.RandomState):
        kind, keys, *rest = draws["state"]
        random_state.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    if "seed" in draws:
        return int(draws["seed"])
    return random_state


# -- folds -------------------------------------------------------------------------------------------------------


def describe_splits(folds: Folds) -> dict[str, Any]:
    """Return, as JSON, folds that cannot be drawn again; nothing of others."""
    if folds.can_be_drawn_again or not folds.is_known:
        return {}
    return {"cv": folds.description, "splits": [[part.tolist() for part in split] for split in folds]}


def splits_again(cv: Any, stored: Mapping[str, Any]) -> Folds | None:
    """Return the folds that were described, if they come from the same `cv`; None if they do not."""
    if not stored or describe_value(cv) != stored["cv"]:
        return None
    splits = [(np.array(train, dtype=int), np.array(test, dtype=int)) for train, test in stored["splits"]]
    return Folds(splits, cv, stored["cv"], can_be_drawn_again=False)
