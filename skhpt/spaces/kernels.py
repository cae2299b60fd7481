"""Spaces of models with kernels: support vector machines, kernel ridge regression, Gaussian processes.

A kernel of distances is at its best where its width is about the distance of rows, whose square has a mean of
twice the sum of the variances. Kernels that lack a parameter of the others are branches of their own.
"""

from __future__ import annotations

import math
from typing import Any

from skhpt._typing import Params
from skhpt.spaces.data import DataSummary
from skhpt.spaces.ranges import around, scaled, share
from skhpt.spaces.registry import Branches, space_of

#: Kernels that are searched; others, such as "precomputed" and functions, stay as they are.
KERNELS = ("linear", "poly", "rbf", "sigmoid")


def gamma(data: DataSummary) -> Any:
    """Return a distribution of the inverse squared width of a kernel."""
    return scaled(1 / data.spread, 0.5, 6, 1e-4, 1e3)


def _moderate(data: DataSummary) -> Any:
    """Return a narrower distribution for the power of a polynomial."""
    return scaled(1 / data.spread, 0.5, 4, 1e-3, 10)


def _kernel_branches(own: Params, data: DataSummary, machine: dict[str, Any], cost: float) -> Branches:
    """Return a branch for each kernel.

    Parameters
    ----------
    own : dict
        Parameters of the estimator.
    data : DataSummary
        Summary of the data.
    machine : dict
        Space of the parameters that do not depend on the kernel.
    cost : float
        Unit of `C`.
    """
    C = {"C": scaled(cost, 3, 8, 1e-2, 1e3)}
    if own["kernel"] not in KERNELS:
        return [C | machine]
    width = gamma(data)
    # Without the bounds of a distance, a large cost takes libsvm very long.
    linear = {"C": scaled(cost / data.spread, 1, 8, 1e-4, 30)}
    polynomial = {"C": scaled(cost, 0.5, 8, 1e-3, 30)}
    return [
        {"kernel": ["rbf"], **C, "gamma": width, **machine},
        {"kernel": ["linear"], **linear, **machine},
        {
            "kernel": ["poly"],
            "degree": [2, 3],
            "coef0": [1.0],
            **polynomial,
            "gamma": _moderate(data),
            **machine,
        },
    ]


@space_of("SVC")
def support_vector_classifier(own: Params, data: DataSummary) -> Branches:
    """Return the space of a support vector classifier."""
    return _kernel_branches(own, data, {}, cost=1.0)


@space_of("SVR")
def support_vector_regression(own: Params, data: DataSummary) -> Branches:
    """Return the space of a support vector regression."""
    machine = {"epsilon": scaled(data.unit_of_y, 0.1, 4, 1e-3, 1)}
    return _kernel_branches(own, data, machine, cost=data.unit_of_y)


@space_of("NuSVR")
def nu_support_vector_regression(own: Params, data: DataSummary) -> Branches:
    """Return the space of a support vector regression with `nu`."""
    return _kernel_branches(own, data, {"nu": share(0.5, 0.05, 0.95)}, cost=data.unit_of_y)


@space_of("LinearSVC")
def linear_support_vector_classifier(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a linear support vector classifier."""
    return {"C": scaled(1 / data.spread, 1, 10, 1e-4, 1e3)}


@space_of("LinearSVR")
def linear_support_vector_regression(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a linear support vector regression."""
    cost = data.unit_of_y / data.spread
    return {
        "C": scaled(cost, 1, 10, 1e-4, 1e3),
        "epsilon": scaled(data.unit_of_y, 0.05, 5, 1e-4, 1),
    }


@space_of("KernelRidge")
def kernel_ridge(own: Params, data: DataSummary) -> Branches:
    """Return the space of a kernel ridge regression."""
    alpha = around(0.1, 15, 1e-5, 1e2)
    if own["kernel"] not in ("linear", "rbf", "laplacian", "poly", "polynomial", "sigmoid", "cosine"):
        return [{"alpha": alpha}]
    return [
        {"kernel": ["rbf"], "alpha": alpha, "gamma": gamma(data)},
        {"kernel": ["linear"], "alpha": scaled(data.spread, 1, 30, 1e-5, 1e5)},
        {"kernel": ["poly"], "degree": [2, 3], "coef0": [1.0], "alpha": alpha, "gamma": _moderate(data)},
    ]


def _covariances(data: DataSummary) -> list[Any]:
    """Return kernels with a length scale to begin with; the fit optimises it."""
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern

    length = float(f"{math.sqrt(data.spread):.2g}")
    bounds = (length / 1e3, length * 1e3)
    kinds = [RBF(length, bounds), Matern(length, bounds, nu=1.5), Matern(length, bounds, nu=2.5)]
    return [ConstantKernel(1.0, (1e-3, 1e4)) * kind for kind in kinds]


@space_of("GaussianProcessClassifier")
def gaussian_process_classifier(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a Gaussian process classifier; a kernel of the user stays."""
    return {"kernel": _covariances(data)} if own["kernel"] is None else {}


@space_of("GaussianProcessRegressor")
def gaussian_process_regression(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a Gaussian process regression; a kernel of the user stays.

    With a normalised target, `alpha` is the share of the noise in its variance.
    """
    space = {"alpha": around(0.03, 10, 1e-6, 1), "normalize_y": [True]}
    return space | ({"kernel": _covariances(data)} if own["kernel"] is None else {})
