"""Support vector machines: the kernel of the training rows is the same for every penalty.

libsvm computes it anew in each fit, and for classification once for each pair of classes. Here it is computed once,
many rows at a time, and libsvm is told that it is precomputed. Such a kernel differs from libsvm's own in its last
bits. But libsvm rounds it to single precision, and after that both are the same, unless a number is so close to the
middle between two others that these bits matter. Such numbers, which are few, are computed as libsvm does it for an RBF
kernel. So each such machine is, to the last bit, the one that was fitted alone. Those with a polynomial or sigmoid
kernel are only close to it, for a few numbers are rounded to the other side. On data of a common scale that moves what
they decide in its tenth digit; where the kernel hardly varies it could be all, and nothing is shared. (A linear kernel
libsvm computes as fast as this.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg.blas import ddot
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from sklearn.utils.validation import validate_data

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, register

#: Larger kernels are left to libsvm, which keeps only a part of them.
_MAX_NBYTES = 256 * 2**20
#: Rows of the kernel to compute at a time: few enough to stay in the processor's cache.
_N_ROWS = 64
#: Standard deviation of a kernel, relative to its mean, from which on single precision makes no difference.
_MIN_VARIATION = 0.01
#: Numbers close to the middle that are computed one by one, at most.
_MAX_N_CLOSE = 50_000
_EPS = np.finfo(float).eps


@dataclass(frozen=True)
class _Kernel:
    """The kernel of the training rows.

    Attributes
    ----------
    X : array of shape (n_samples, n_features)
        The rows.
    y : array-like
        Their targets.
    gamma : float
        The factor of distances or products.
    values : array of shape (n_samples, n_samples)
        The kernel, of an RBF rounded to single precision.
    of_input : dict
        What scikit-learn keeps about its input.
    """

    X: np.ndarray
    y: Any
    gamma: float
    values: np.ndarray
    of_input: Params


def _round(values: np.ndarray, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Round to single precision, and tell where a relative error could lead to another number."""
    low, high = (values * (1 - error)).astype(np.float32), (values * (1 + error)).astype(np.float32)
    return low, low != high


def _rbf(X: np.ndarray, gamma: float) -> np.ndarray | None:
    """Compute libsvm's kernel, in single precision; None if that takes long or is not certain."""
    n, d = X.shape
    squares = np.array([ddot(x, x) for x in X])
    # Computed in two ways, the product and the squares are each off by d eps |x|^2 at most; some more for the rest.
    error = (8 * (d + 8) * gamma * squares.max() + 16) * _EPS
    if not error < 1e-3:
        return None
    kernel, close = X @ X.T, []
    for start in range(0, n, _N_ROWS):
        rows = slice(start, min(start + _N_ROWS, n))
        values = kernel[rows, start:]
        values *= -2
        values += squares[rows, None]
        values += squares[start:]
        values *= -gamma
        rounded, is_close = _round(np.exp(values, out=values), error)
        kernel[rows, start:], kernel[start:, rows] = rounded, rounded.T
        if is_close.any():
            close += [(start + i, start + j) for i, j in np.argwhere(is_close) if i < j]
        if len(close) > _MAX_N_CLOSE:
            return None
    for i, j in close:
        value = math.exp(-gamma * (squares[i] + squares[j] - 2 * ddot(X[i], X[j])))
        (kernel[i, j],), (is_still_close,) = _round(np.array([value]), _EPS)
        kernel[j, i] = kernel[i, j]
        if is_still_close:
            return None
    np.fill_diagonal(kernel, 1)
    return kernel


def _gamma(machine: Any, X: np.ndarray) -> float:
    if machine.gamma == "scale":
        variance = X.var()
        return 1.0 / (X.shape[1] * variance) if variance != 0 else 1.0
    return 1.0 / X.shape[1] if machine.gamma == "auto" else machine.gamma


def _other_kernel(machine: Any, X: np.ndarray, gamma: float) -> np.ndarray | None:
    """Compute a polynomial or sigmoid kernel; None if single precision could not tell rows apart."""
    params = {"gamma": gamma, "degree": machine.degree, "coef0": machine.coef0}
    with np.errstate(over="ignore"):
        values = pairwise_kernels(X, metric=machine.kernel, filter_params=True, **params)
    varies = np.isfinite(values).all() and values.std() > _MIN_VARIATION * abs(values.mean())
    return values if varies else None


def _fit_kernel(machine: Any, X: Any, y: Any) -> _Kernel | None:
    if sparse.issparse(X) or 8 * np.shape(X)[0] ** 2 > _MAX_NBYTES:
        return None
    rows = validate_data(machine, X, dtype=np.float64, order="C")
    gamma = _gamma(machine, rows)
    values = _rbf(rows, gamma) if machine.kernel == "rbf" else _other_kernel(machine, rows, gamma)
    if values is None:
        return None
    names = ("n_features_in_", "feature_names_in_")
    return _Kernel(rows, y, gamma, values, {name: vars(machine)[name] for name in names if name in vars(machine)})


def _fit_machine(kernel: _Kernel | None, machine: Any) -> Any:
    if kernel is None:
        return None
    name, machine.kernel = machine.kernel, "precomputed"
    try:
        machine.fit(kernel.values, kernel.y)
    except ValueError:  # on its own, it will say what is wrong
        return None
    finally:
        machine.kernel = name
    machine.support_vectors_ = kernel.X[machine.support_]
    machine.shape_fit_ = kernel.X.shape
    machine._gamma = kernel.gamma
    vars(machine).update(kernel.of_input)
    return machine


def _agrees(kind: Any, X: np.ndarray) -> bool:
    """Tell whether machines with a shared kernel are the ones that were fitted alone."""
    y = np.arange(len(X)) % 3 if kind in (SVC, NuSVC) else X[:, 0]
    alone, other = kind(gamma=0.3).fit(X, y), _fit_machine(_fit_kernel(kind(gamma=0.3), X, y), kind(gamma=0.3))
    names = ("_dual_coef_", "_intercept_", "support_", "support_vectors_", "_n_support", "_gamma")
    return vars(alone).keys() == vars(other).keys() and all(
        np.array_equal(getattr(alone, name), getattr(other, name)) for name in names
    )


@cache
def _knows(name: str) -> bool:
    """Tell whether the installed libsvm works as described above; tried out on few rows, and on rows far from 0."""
    kind = next(kind for kind, _ in _MACHINES if kind.__name__ == name)
    X = np.random.default_rng(0).normal(size=(40, 3))
    try:
        return _agrees(kind, X) and _agrees(kind, X + 1e5)  # there, nearly every number needs care
    except Exception:  # of a version that is unknown
        return False


def estimates_no_probabilities(machine: Any) -> bool:
    """Tell whether a machine only decides, as it does by default, where the parameter is False or "deprecated"."""
    return getattr(machine, "probability", False) in (False, "deprecated")


def _is_exact(machine: Any) -> bool:
    return machine.kernel == "rbf" and estimates_no_probabilities(machine) and _knows(type(machine).__name__)


def _is_close(machine: Any) -> bool:
    return machine.kernel in ("poly", "sigmoid") and machine.max_iter == -1 and estimates_no_probabilities(machine)


def _anything(machines: Sequence[Any], parameters: Sequence[str]) -> Params:
    """Take any values: they are not used before the kernel is there."""
    return {name: getattr(machines[0], name) for name in parameters}


_MACHINES = (
    (SVC, ("C", "class_weight", "shrinking", "tol")),
    (NuSVC, ("nu", "class_weight", "shrinking", "tol")),
    (SVR, ("C", "epsilon", "shrinking", "tol")),
    (NuSVR, ("C", "nu", "shrinking", "tol")),
    (OneClassSVM, ("nu", "shrinking", "tol")),
)
for machine, parameters in _MACHINES:
    serves = partial(SubModel, machine, parameters, _fit_machine, widest=_anything, fit=_fit_kernel)
    register(serves(is_exact=_is_exact))
    register(serves(is_exact=_is_close, is_close=True))
