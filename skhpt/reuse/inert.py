"""Parameters that have no effect, given the others: the degree of a kernel that is no polynomial, for example.

Candidates that differ in nothing else are the same candidate. What is not in the table is taken to matter: unknown
classes (a subclass may do anything), unknown values, parameters of which it is not certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM


@dataclass(frozen=True)
class Rule:
    """Where some parameters have no effect.

    Attributes
    ----------
    classes : tuple of type
        Of these very classes.
    inert : tuple of str
        The parameters without effect...
    given : dict
        ...where each of these others has one of these values; nowhere else.
    """

    classes: tuple[type, ...]
    inert: tuple[str, ...]
    given: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Tell whether the parameters are without effect."""
        return all(name in params and _is_one_of(params[name], values) for name, values in self.given.items())


def _is_one_of(value: Any, values: tuple[Any, ...]) -> bool:
    """Look for a name, a flag or None; other values, such as arrays, may not be comparable, and 0 is not False."""
    return (value is None or isinstance(value, (str, bool))) and value in values


def _rules() -> Iterator[Rule]:
    yield from _of_kernels()
    yield from _of_stochastic_gradients()
    yield from _of_networks()
    yield from _of_logistic_regression()
    yield from _of_boosting()
    yield from _of_neighbors()


def _of_kernels() -> Iterator[Rule]:
    machines = (SVC, NuSVC, SVR, NuSVR, OneClassSVM)
    yield Rule(machines, ("gamma",), {"kernel": ("linear", "precomputed")})
    yield Rule(machines, ("coef0",), {"kernel": ("linear", "precomputed", "rbf")})
    yield Rule(machines, ("degree",), {"kernel": ("linear", "precomputed", "rbf", "sigmoid")})
    yield Rule(machines, ("verbose",))
    # The seed is drawn always, but used only to split the data for probabilities. The text is the default from 1.9.
    yield Rule((SVC, NuSVC), ("random_state",), {"probability": (False, "deprecated")})
    without = ("linear", "cosine", "additive_chi2", "precomputed")
    with_gamma = ("rbf", "laplacian", "chi2")
    polynomial = ("poly", "polynomial")
    ridge = (KernelRidge,)
    yield Rule(ridge, ("gamma",), {"kernel": without})
    yield Rule(ridge, ("coef0",), {"kernel": (*without, *with_gamma)})
    yield Rule(ridge, ("degree",), {"kernel": (*without, *with_gamma, "sigmoid")})
    yield Rule(ridge, ("kernel_params",), {"kernel": (*without, *with_gamma, "sigmoid", *polynomial)})


def _of_stochastic_gradients() -> Iterator[Rule]:
    models = (SGDClassifier, SGDRegressor)
    scheduled = (*models, SGDOneClassSVM)
    yield Rule((*scheduled, Perceptron), ("verbose",))
    yield Rule((*models, Perceptron), ("l1_ratio",), {"penalty": ("l1", "l2", None)})
    yield Rule((*models, Perceptron), ("validation_fraction",), {"early_stopping": (False,)})
    yield Rule((Perceptron,), ("alpha",), {"penalty": (None,)})
    # The optimal schedule begins where alpha says, even without a penalty.
    yield Rule(models, ("alpha",), {"penalty": (None,), "learning_rate": ("constant", "invscaling", "adaptive")})
    yield Rule(scheduled, ("eta0",), {"learning_rate": ("optimal",)})
    yield Rule(scheduled, ("power_t",), {"learning_rate": ("optimal", "constant", "adaptive")})
    of_classes = ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron")
    yield Rule(models, ("epsilon",), {"loss": (*of_classes, "squared_error")})


def _of_networks() -> Iterator[Rule]:
    networks = (MLPClassifier, MLPRegressor)
    of_descent = ("learning_rate_init", "batch_size", "shuffle")
    of_stopping = ("early_stopping", "validation_fraction", "n_iter_no_change")
    of_sgd = ("learning_rate", "power_t", "momentum", "nesterovs_momentum")
    of_adam = ("beta_1", "beta_2", "epsilon")
    yield Rule(networks, ("verbose",))
    yield Rule(networks, (*of_descent, *of_stopping, *of_sgd, *of_adam), {"solver": ("lbfgs",)})
    yield Rule(networks, ("max_fun",), {"solver": ("sgd", "adam")})
    yield Rule(networks, of_sgd, {"solver": ("adam",)})
    yield Rule(networks, of_adam, {"solver": ("sgd",)})
    yield Rule(networks, ("power_t",), {"solver": ("sgd",), "learning_rate": ("constant", "adaptive")})
    yield Rule(networks, ("validation_fraction",), {"early_stopping": (False,)})


def _of_logistic_regression() -> Iterator[Rule]:
    models = (LogisticRegression,)
    others = ("lbfgs", "newton-cg", "newton-cholesky")
    yield Rule(models, ("verbose",))
    # From 1.8 a penalty that is not given follows from l1_ratio.
    yield Rule(models, ("l1_ratio",), {"penalty": ("l1", "l2", None)})
    yield Rule(models, ("C",), {"penalty": (None,)})
    yield Rule(models, ("random_state",), {"solver": others})
    yield Rule(models, ("intercept_scaling",), {"solver": (*others, "sag", "saga")})
    yield Rule((*models, LinearSVC, LinearSVR), ("intercept_scaling",), {"fit_intercept": (False,)})
    yield Rule((LinearSVC, LinearSVR), ("verbose",))


def _of_boosting() -> Iterator[Rule]:
    boosting = (GradientBoostingClassifier, GradientBoostingRegressor)
    binned = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    yield Rule((*boosting, *binned), ("verbose",))
    yield Rule((GradientBoostingRegressor,), ("alpha",), {"loss": ("squared_error", "absolute_error")})
    yield Rule(boosting, ("validation_fraction", "tol"), {"n_iter_no_change": (None,)})
    retry_policy = ("squared_error", "absolute_error", "gamma", "poisson")
    yield Rule((HistGradientBoostingRegressor,), ("quantile",), {"loss": retry_policy})
    stopping = ("validation_fraction", "n_iter_no_change", "tol", "scoring")
    yield Rule(binned, stopping, {"early_stopping": (False,)})


def _of_neighbors() -> Iterator[Rule]:
    nearest = (KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsClassifier, RadiusNeighborsRegressor)
    metrics = ("euclidean", "manhattan", "cityblock", "l1", "l2", "chebyshev", "cosine", "hamming", "precomputed")
    yield Rule(nearest, ("p",), {"metric": metrics})
    yield Rule(nearest, ("leaf_size",), {"algorithm": ("brute",)})


RULES = tuple(_rules())
_of_class = {kind: [rule for rule in RULES if kind in rule.classes] for rule in RULES for kind in rule.classes}


def without_inert(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an estimator without those that nothing depends on as it is configured.

    Parameters
    ----------
    estimator : estimator
        Not fitted, with parameters that its class allows.

    Returns
    -------
    params : dict
        Its own parameters, not those of estimators within.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from skhpt.reuse.inert import without_inert
    >>> all("gamma" in without_inert(SVC(kernel=kernel)) for kernel in ("rbf", "poly", "sigmoid"))
    True
    >>> "gamma" in without_inert(SVC(kernel="linear"))
    False
    """
    params = estimator.get_params(deep=False)
    rules = [rule for rule in _of_class.get(type(estimator), []) if rule.holds(params)]
    inert = {name for rule in rules for name in rule.inert}
    return {name: value for name, value in params.items() if name not in inert}
