"""MLflow's autologging of scikit-learn: switched off while a search fits, and its settings for the search itself.

`mlflow.sklearn.autolog` replaces ``fit`` of every estimator of scikit-learn, and would log each fit of a fold as a run.
It logs GridSearchCV and RandomizedSearchCV, and knows no other search.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any


@dataclass(frozen=True)
class AutologgingSettings:
    """The arguments of `mlflow.sklearn.autolog` that concern a search.

    Attributes
    ----------
    n_candidates : int or None
        Number of candidates that are logged; None for all.
    log_model : bool
        Whether the best model is logged.
    registered_model_name : str or None
        Name in the model registry.
    tags : dict of str to str
        Further tags.
    """

    n_candidates: int | None
    log_model: bool
    registered_model_name: str | None
    tags: dict[str, str]


def autologging_settings() -> AutologgingSettings | None:
    """Return the settings of MLflow's autologging; None if it is off, or logs a search that this one is a part of."""
    utils = _autologging()
    if utils is None or utils.autologging_is_disabled("sklearn") or _logs_already(utils):
        return None

    def setting(name: str, default: Any) -> Any:
        return utils.get_autologging_config("sklearn", name, default)

    if setting("exclusive", False) and sys.modules["mlflow"].active_run() is not None:
        return None
    return AutologgingSettings(
        n_candidates=setting("max_tuning_runs", 5),
        log_model=setting("log_models", True),
        registered_model_name=setting("registered_model_name", None),
        tags={"mlflow.autologging": "sklearn", **(setting("extra_tags", None) or {})},
    )


def _autologging() -> Any:
    """Return MLflow's module for autologging; None if it is not imported, so that autologging is off."""
    return sys.modules.get("mlflow.utils.autologging_utils")


def _logs_already(utils: Any) -> bool:
    """Tell whether autologging is switched off for now, or logs an estimator whose ``fit`` is running."""
    return bool(utils._AUTOLOGGING_GLOBALLY_DISABLED or utils._has_active_training_session())


_lock = threading.Lock()
_n_searches = 0
_pause: AbstractContextManager[None] | None = None


@contextmanager
def autologging_paused() -> Iterator[None]:
    """Switch MLflow's autologging off, in all threads, until the last of the searches that run has ended."""
    _begin_pause()
    try:
        yield
    finally:
        _end_pause()


def _begin_pause() -> None:
    global _n_searches, _pause
    with _lock:
        _n_searches += 1
        utils = _autologging()
        # `disable_autologging` switches autologging on at its end, even if it was off at its begin.
        if _pause is None and utils is not None and not utils._AUTOLOGGING_GLOBALLY_DISABLED:
            _pause = utils.disable_autologging()
            _pause.__enter__()


def _end_pause() -> None:
    global _n_searches, _pause
    with _lock:
        _n_searches -= 1
        if _n_searches == 0 and _pause is not None:
            pause, _pause = _pause, None
            pause.__exit__(None, None, None)


def without_autologging(function: Any) -> Any:
    """Return the function that MLflow's autologging has replaced; any other function itself.

    While autologging is off, the replacement does no more than to call the function.
    """
    while type(function) is FunctionType and function.__globals__.get("__name__") == _REPLACING_MODULE:
        function = getattr(function, "__wrapped__", None)
    return function


#: Module whose functions replace those that are logged.
_REPLACING_MODULE = "mlflow.utils.autologging_utils.safety"
