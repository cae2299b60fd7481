"""Differences between the supported versions of scikit-learn, and its private names that several modules use."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import sklearn
from scipy import special
from sklearn import get_config
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.fixes import parse_version
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.parallel import _get_threadpool_controller, delayed
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "FIT_CALLBACKS",
    "INCONSISTENT_SPLITS",
    "IS_TESTED",
    "Interval",
    "Options",
    "StrOptions",
    "bind_context",
    "check_method_params",
    "fit_context",
    "num_samples",
    "one_blas_thread",
    "safe_split",
    "xlogy",
]

Function = TypeVar("Function", bound=Callable[..., Any])

#: Whether this version of scikit-learn is one that the tests of shared fits were run with.
IS_TESTED = parse_version("1.6") <= parse_version(sklearn.__version__) < parse_version("1.10")

#: Classes of scikit-learn's callbacks; empty before version 1.9.
FIT_CALLBACKS: tuple[type, ...] = ()
if parse_version(sklearn.__version__) >= parse_version("1.9"):
    from sklearn.callback import FitCallback

    FIT_CALLBACKS = (FitCallback,)

#: How scikit-learn words the error for a splitter that does not give as many folds as it says.
INCONSISTENT_SPLITS = (
    "cv.split and cv.get_n_splits {} inconsistent results. Expected {{}} splits, got {{}}".format(
        "return" if parse_version(sklearn.__version__) >= parse_version("1.9") else "returned"
    )
)


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Function], Function]:
    """Return scikit-learn's decorator of ``fit``: it validates the parameters and begins callbacks."""
    decorator: Callable[[Function], Function] = _fit_context(
        prefer_skip_nested_validation=prefer_skip_nested_validation
    )
    return decorator


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit the BLAS library of this process to one thread; a context manager, and a decorator."""
    with _get_threadpool_controller().limit(limits=1, user_api="blas"):
        yield


def xlogy(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return ``x * log(y)``, and 0 where x is 0, by the logarithm that `sklearn.metrics.log_loss` uses."""
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        product: np.ndarray = special.xlogy(x, y)
        return product
    # numpy's logarithm, whose last bit may differ from that of SciPy's
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0.0, 0.0, x * np.log(y))


def bind_context(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function carry scikit-learn's configuration, and the warning filters, of this thread to its worker."""
    wrapper: Any = delayed(function)()[0]
    bound: Callable[..., Any]
    if hasattr(wrapper, "with_config_and_warning_filters"):  # from 1.7
        get_filters = getattr(warnings, "_get_filters", lambda: warnings.filters)
        bound = wrapper.with_config_and_warning_filters(get_config(), get_filters())
    else:
        bound = wrapper.with_config(get_config())
    return bound
