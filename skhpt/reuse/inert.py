"""Inert parameters: parameters without effect, given the others, such as the degree of a kernel that is no polynomial.

Candidates that differ only in inert parameters have the same fit. Parameters that are not in the table are
taken to have an effect: those of unknown classes and of subclasses, and those of which it is not certain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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

from skhpt._typing import Estimator, Params
from skhpt.fitting.cloning import own_params


@dataclass(frozen=True)
class InertRule:
    """Condition under which some parameters have no effect.

    Attributes
    ----------
    classes : tuple of type
        Classes of estimators that the rule applies to, without their subclasses.
    inert : tuple of str
        The parameters without effect.
    given : dict
        Values of other parameters under which they have none: name to values. All must hold.
    """

    classes: tuple[type, ...]
    inert: tuple[str, ...]
    given: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def holds(self, params: Params) -> bool:
        """Tell whether the parameters have no effect, given all parameters of an estimator."""
        return all(name in params and _is_one_of(params[name], values) for name, values in self.given.items())


def _is_one_of(value: Any, values: tuple[Any, ...]) -> bool:
    """Tell whether a string, a bool or None is among some values; others may not be comparable, and 0 is not False."""
    return (value is None or isinstance(value, (str, bool))) and value in values


def _rules() -> Iterator[InertRule]:
    yield from _kernel_machines()
    yield from _kernel_ridge()
    yield from _stochastic_gradient_descent()
    yield from _neural_networks()
    yield from _linear_classifiers()
    yield from _boosting()
    yield from _neighbors()


def _kernel_machines() -> Iterator[InertRule]:
    machines = (SVC, NuSVC, SVR, NuSVR, OneClassSVM)
    yield InertRule(machines, ("gamma",), {"kernel": ("linear", "precomputed")})
    yield InertRule(machines, ("coef0",), {"kernel": ("linear", "precomputed", "rbf")})
    yield InertRule(machines, ("degree",), {"kernel": ("linear", "precomputed", "rbf", "sigmoid")})
    yield InertRule(machines, ("verbose",))
    # The seed is drawn in every fit, but used only to split the data for probabilities. "deprecated" is the
    # default from scikit-learn 1.9.
    yield InertRule((SVC, NuSVC), ("random_state",), {"probability": (False, "deprecated")})


def _kernel_ridge() -> Iterator[InertRule]:
    without = ("linear", "cosine", "additive_chi2", "precomputed")
    with_gamma = ("rbf", "laplacian", "chi2")
    polynomial = ("poly", "polynomial")
    ridge = (KernelRidge,)
    yield InertRule(ridge, ("gamma",), {"kernel": without})
    yield InertRule(ridge, ("coef0",), {"kernel": (*without, *with_gamma)})
    yield InertRule(ridge, ("degree",), {"kernel": (*without, *with_gamma, "sigmoid")})
    yield InertRule(ridge, ("kernel_params",), {"kernel": (*without, *with_gamma, "sigmoid", *polynomial)})


def _stochastic_gradient_descent() -> Iterator[InertRule]:
    models = (SGDClassifier, SGDRegressor)
    scheduled = (*models, SGDOneClassSVM)
    yield InertRule((*scheduled, Perceptron), ("verbose",))
    yield InertRule((*models, Perceptron), ("l1_ratio",), {"penalty": ("l1", "l2", None)})
    yield InertRule((*models, Perceptron), ("validation_fraction",), {"early_stopping": (False,)})
    yield InertRule((Perceptron,), ("alpha",), {"penalty": (None,)})
    # The optimal schedule uses alpha even without a penalty.
    yield InertRule(
        models, ("alpha",), {"penalty": (None,), "learning_rate": ("constant", "invscaling", "adaptive")}
    )
    yield InertRule(scheduled, ("eta0",), {"learning_rate": ("optimal",)})
    yield InertRule(scheduled, ("power_t",), {"learning_rate": ("optimal", "constant", "adaptive")})
    classification = ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron")
    yield InertRule(models, ("epsilon",), {"loss": (*classification, "squared_error")})


def _neural_networks() -> Iterator[InertRule]:
    networks = (MLPClassifier, MLPRegressor)
    descent = ("learning_rate_init", "batch_size", "shuffle")
    stopping = ("early_stopping", "validation_fraction", "n_iter_no_change")
    sgd = ("learning_rate", "power_t", "momentum", "nesterovs_momentum")
    adam = ("beta_1", "beta_2", "epsilon")
    yield InertRule(networks, ("verbose",))
    yield InertRule(networks, (*descent, *stopping, *sgd, *adam), {"solver": ("lbfgs",)})
    yield InertRule(networks, ("max_fun",), {"solver": ("sgd", "adam")})
    yield InertRule(networks, sgd, {"solver": ("adam",)})
    yield InertRule(networks, adam, {"solver": ("sgd",)})
    yield InertRule(networks, ("power_t",), {"solver": ("sgd",), "learning_rate": ("constant", "adaptive")})
    yield InertRule(networks, ("validation_fraction",), {"early_stopping": (False,)})


def _linear_classifiers() -> Iterator[InertRule]:
    models = (LogisticRegression,)
    solvers = ("lbfgs", "newton-cg", "newton-cholesky")
    yield InertRule(models, ("verbose",))
    # From scikit-learn 1.8, a penalty that is not given follows from l1_ratio.
    yield InertRule(models, ("l1_ratio",), {"penalty": ("l1", "l2", None)})
    yield InertRule(models, ("C",), {"penalty": (None,)})
    yield InertRule(models, ("random_state",), {"solver": solvers})
    yield InertRule(models, ("intercept_scaling",), {"solver": (*solvers, "sag", "saga")})
    yield InertRule((*models, LinearSVC, LinearSVR), ("intercept_scaling",), {"fit_intercept": (False,)})
    yield InertRule((LinearSVC, LinearSVR), ("verbose",))


def _boosting() -> Iterator[InertRule]:
    boosting = (GradientBoostingClassifier, GradientBoostingRegressor)
    binned = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    yield InertRule((*boosting, *binned), ("verbose",))
    yield InertRule((GradientBoostingRegressor,), ("alpha",), {"loss": ("squared_error", "absolute_error")})
    yield InertRule(boosting, ("validation_fraction", "tol"), {"n_iter_no_change": (None,)})
    losses = ("squared_error", "absolute_error", "gamma", "poisson")
    yield InertRule((HistGradientBoostingRegressor,), ("quantile",), {"loss": losses})
    stopping = ("validation_fraction", "n_iter_no_change", "tol", "scoring")
    yield InertRule(binned, stopping, {"early_stopping": (False,)})


def _neighbors() -> Iterator[InertRule]:
    nearest = (KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsClassifier, RadiusNeighborsRegressor)
    metrics = (
        "euclidean",
        "manhattan",
        "cityblock",
        "l1",
        "l2",
        "chebyshev",
        "cosine",
        "hamming",
        "precomputed",
    )
    yield InertRule(nearest, ("p",), {"metric": metrics})
    yield InertRule(nearest, ("leaf_size",), {"algorithm": ("brute",)})


#: All rules.
RULES = tuple(_rules())


def _by_class(rules: Iterable[InertRule]) -> dict[type, list[InertRule]]:
    by_class: dict[type, list[InertRule]] = defaultdict(list)
    for rule in rules:
        for kind in rule.classes:
            by_class[kind].append(rule)
    return by_class


_RULES_BY_CLASS = _by_class(RULES)


def without_inert(estimator: Estimator) -> Params:
    """Return the parameters of an estimator without those that have no effect, given the others.

    Parameters
    ----------
    estimator : estimator
        An estimator, not fitted, whose parameters are valid.

    Returns
    -------
    params : dict
        Parameters of the estimator, without those of estimators inside it.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from skhpt.reuse.inert import without_inert
    >>> all("gamma" in without_inert(SVC(kernel=kernel)) for kernel in ("rbf", "poly", "sigmoid"))
    True
    >>> "gamma" in without_inert(SVC(kernel="linear"))
    False
    """
    params = own_params(estimator)
    inert: set[str] = set()
    for rule in _RULES_BY_CLASS.get(type(estimator), ()):
        if rule.holds(params):
            inert.update(rule.inert)
    return {name: value for name, value in params.items() if name not in inert}
