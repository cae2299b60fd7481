"""Draws of estimators from numpy's global generator: which estimators may draw, and which draws do not matter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Number
from typing import Any, TypeAlias

import numpy as np
from sklearn import (
    cluster,
    ensemble,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    svm,
    tree,
)
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from sklearn.utils import check_random_state

from skhpt._typing import Estimator, Params
from skhpt.reuse.submodels import SubModel
from skhpt.reuse.submodels.kernels import has_no_probabilities

#: An estimator, and its parameters without those of the estimators inside it.
WithParams: TypeAlias = tuple[Estimator, Params]

#: The generator that scikit-learn uses where ``random_state`` is None.
_GLOBAL_RNG = check_random_state(None)


@dataclass(frozen=True)
class Draws:
    """Possible draws of a candidate's estimator, and of the estimators inside it, from numpy's global generator.

    Attributes
    ----------
    may_draw : bool
        Whether any of them may draw.
    unseeded : frozenset of str
        Paths of estimators without a seed whose draws may affect the fit.
    irrelevant : frozenset of str
        Paths of estimators without a seed whose draws do not affect the fit.
    unknown : frozenset of str
        Paths of other estimators that may draw: those of other packages, and those of scikit-learn that have
        no parameter for a seed and are not known to draw nothing.
    """

    may_draw: bool = True
    unseeded: frozenset[str] = field(default_factory=frozenset)
    irrelevant: frozenset[str] = field(default_factory=frozenset)
    unknown: frozenset[str] = field(default_factory=frozenset)


def draws_of(nested: Mapping[str, WithParams], submodels: Iterable[SubModel]) -> Draws:
    """Return the possible draws of estimators, which are given by their paths, and of their sub-models."""
    unseeded: set[str] = set()
    irrelevant: set[str] = set()
    unknown: set[str] = set()
    known = {id(estimator) for estimator, _ in nested.values()}
    may_draw = any(submodel.is_foreign for submodel in submodels)
    for path, (estimator, params) in nested.items():
        needs_seed = not (_has_seed(estimator) or _applies(_NO_DRAWS, estimator))
        if needs_seed:
            paths = irrelevant if _applies(_IRRELEVANT_DRAWS, estimator) else unseeded
            paths.add(path)
        elif "random_state" not in params and not _is_quiet(estimator, params, known):
            unknown.add(path)
        may_draw = may_draw or needs_seed or not _is_quiet(estimator, params, known)
    return Draws(may_draw, frozenset(unseeded), frozenset(irrelevant), frozenset(unknown))


def always_draws(estimator: Estimator) -> bool:
    """Tell whether an estimator has no seed and is known to draw in every fit, with effect on the fit."""
    return not _has_seed(estimator) and _applies(_ALWAYS_DRAW, estimator)


def _has_seed(estimator: Estimator) -> bool:
    """Tell whether an estimator has a seed, or no attribute for a seed."""
    seed = getattr(estimator, "random_state", 0)
    return not (seed is None or seed is np.random or seed is _GLOBAL_RNG)


def _is_quiet(estimator: Estimator, params: Params, known: Collection[int]) -> bool:
    """Tell whether an estimator is known to draw only if it has no seed.

    It must be of a class in the table. A function among its parameters might draw.
    """
    return type(estimator) in _QUIET and all(_is_data(value, known) for value in params.values())


def _is_data(value: Any, known: Collection[int]) -> bool:
    """Tell whether a parameter value contains nothing but data, and estimators whose ids are ``known``."""
    if value is None or isinstance(value, (Number, str, slice)) or id(value) in known:
        return True
    if isinstance(value, np.random.RandomState):
        return value is not _GLOBAL_RNG
    if isinstance(value, np.ndarray):
        return bool(value.dtype != object)
    if isinstance(value, (list, tuple)):
        return all(_is_data(item, known) for item in value)
    if isinstance(value, dict):
        return all(_is_data(item, known) for item in value.values())
    return isinstance(value, type) and value.__module__ in ("builtins", "numpy")  # a dtype


def _applies(table: Mapping[type, Callable[[Any], bool]], estimator: Estimator) -> bool:
    condition = table.get(type(estimator))
    return condition is not None and condition(estimator)


def _is_cyclic(lasso: Estimator) -> bool:
    return bool(lasso.selection == "cyclic")


def _visits_no_samples_at_random(model: Estimator) -> bool:
    return model.solver not in ("sag", "saga", "liblinear")


def _always(estimator: Estimator) -> bool:
    return True


def _has_probabilities(machine: Estimator) -> bool:
    return not has_no_probabilities(machine)


def _decomposes_exactly(pca: PCA) -> bool:
    return pca.svd_solver in ("full", "covariance_eigh")


#: Classes that draw a seed in every fit, even if they do not use it, and the condition under which they do
#: not.
_IRRELEVANT_DRAWS: dict[type, Callable[[Any], bool]] = {
    **dict.fromkeys((SVC, NuSVC, SVR, NuSVR, OneClassSVM), has_no_probabilities),
    **dict.fromkeys((linear_model.Lasso, linear_model.ElasticNet), _is_cyclic),
    **dict.fromkeys((linear_model.MultiTaskLasso, linear_model.MultiTaskElasticNet), _is_cyclic),
}
#: Classes that draw in every fit, with effect on the fit, and the condition under which they do. Other classes
#: are tried: their first fit is shared, and made again if it draws.
_ALWAYS_DRAW: dict[type, Callable[[Any], bool]] = {
    **dict.fromkeys(
        (
            cluster.KMeans,
            cluster.MiniBatchKMeans,
            ensemble.AdaBoostClassifier,
            ensemble.AdaBoostRegressor,
            ensemble.BaggingClassifier,
            ensemble.BaggingRegressor,
            ensemble.ExtraTreesClassifier,
            ensemble.ExtraTreesRegressor,
            ensemble.GradientBoostingClassifier,
            ensemble.GradientBoostingRegressor,
            ensemble.HistGradientBoostingClassifier,
            ensemble.HistGradientBoostingRegressor,
            ensemble.IsolationForest,
            ensemble.RandomForestClassifier,
            ensemble.RandomForestRegressor,
            linear_model.SGDClassifier,
            linear_model.SGDRegressor,
            neural_network.MLPClassifier,
            neural_network.MLPRegressor,
            svm.LinearSVC,
            svm.LinearSVR,
            tree.DecisionTreeClassifier,
            tree.DecisionTreeRegressor,
            tree.ExtraTreeClassifier,
            tree.ExtraTreeRegressor,
        ),
        _always,
    ),
    **dict.fromkeys((SVC, NuSVC), _has_probabilities),
}
#: Classes with a seed, and the condition under which they draw nothing.
_NO_DRAWS: dict[type, Callable[[Any], bool]] = {
    linear_model.Ridge: _visits_no_samples_at_random,
    linear_model.RidgeClassifier: _visits_no_samples_at_random,
    linear_model.LogisticRegression: _visits_no_samples_at_random,
    PCA: _decomposes_exactly,
}
#: Classes that draw only if they have no seed. These are the ones whose fits are so quick that a look at the
#: state of the generator would take a tenth of their time. (Scikit-learn has others that draw in any case,
#: such as `Isomap`.)
_QUIET: frozenset[type] = frozenset(
    {
        Pipeline,
        FeatureUnion,
        ColumnTransformer,
        TransformedTargetRegressor,
        SimpleImputer,
        preprocessing.MaxAbsScaler,
        preprocessing.MinMaxScaler,
        preprocessing.Normalizer,
        preprocessing.OneHotEncoder,
        preprocessing.OrdinalEncoder,
        preprocessing.PolynomialFeatures,
        preprocessing.RobustScaler,
        preprocessing.StandardScaler,
        PCA,
        naive_bayes.BernoulliNB,
        naive_bayes.CategoricalNB,
        naive_bayes.ComplementNB,
        naive_bayes.GaussianNB,
        naive_bayes.MultinomialNB,
        neighbors.KNeighborsClassifier,
        neighbors.KNeighborsRegressor,
        neighbors.NearestCentroid,
        neighbors.RadiusNeighborsClassifier,
        neighbors.RadiusNeighborsRegressor,
        linear_model.LinearRegression,
        linear_model.LogisticRegression,
        linear_model.Ridge,
        linear_model.RidgeClassifier,
        KernelRidge,
        LinearDiscriminantAnalysis,
        QuadraticDiscriminantAnalysis,
        tree.DecisionTreeClassifier,
        tree.DecisionTreeRegressor,
        tree.ExtraTreeClassifier,
        tree.ExtraTreeRegressor,
    }
)
