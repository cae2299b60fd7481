"""What differs between the supported versions of scikit-learn, in one place."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import sklearn
from sklearn import get_config
from sklearn.utils.fixes import parse_version
from sklearn.utils.parallel import delayed

#: Whether this version of scikit-learn is one that the tests of shared fits were run with.
IS_TESTED = parse_version("1.6") <= parse_version(sklearn.__version__) < parse_version("1.10")

#: How scikit-learn words the error for a splitter that does not give as many folds as it says.
INCONSISTENT_SPLITS = "cv.split and cv.get_n_splits {} inconsistent results. Expected {{}} splits, got {{}}".format(
    "return" if parse_version(sklearn.__version__) >= parse_version("1.9") else "returned"
)


def bind_context(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function carry scikit-learn's configuration, and the warning filters, of this thread to its worker."""
    wrapper = delayed(function)()[0]
    if hasattr(wrapper, "with_config_and_warning_filters"):  # from 1.7
        get_filters = getattr(warnings, "_get_filters", lambda: warnings.filters)
        return wrapper.with_config_and_warning_filters(get_config(), get_filters())
    return wrapper.with_config(get_config())
