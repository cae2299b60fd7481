"""Outcomes of metrics and scorers: results, errors and warnings, which must be those of scikit-learn."""

import warnings

import numpy as np


def outcome(function, *args, **options):
    """Return the result of a call or the type of its error, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except Exception as error:
            result = type(error)
    return result, [(str(w.message), w.category) for w in caught]


def same(a, b):
    """Return whether two outcomes are the same."""
    if isinstance(b[0], np.ndarray):
        return a[1] == b[1] and np.array_equal(a[0], b[0])
    return a[1] == b[1] and (a[0] == b[0] or (a[0] != a[0] and b[0] != b[0]))
