"""Support vector machines that share a kernel."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from skhpt.reuse.submodels import SubModel, submodels_of
from tests.reuse.submodels.cases import assert_same, make_data


def kernel_submodels(svm: Any, is_close: bool = False) -> list[SubModel]:
    submodels = []
    for submodel in submodels_of(svm):
        if {"C", "nu"} & set(submodel.parameters) and submodel.is_close == is_close:
            submodels.append(submodel)
    return submodels


def test_a_view_has_the_attributes_of_a_separate_fit() -> None:
    pandas = pytest.importorskip("pandas")
    X, y, _ = make_data("classes")
    X = pandas.DataFrame(X, columns=list("abcd"))
    [submodel] = kernel_submodels(SVC())
    view = submodel.view(submodel.fit(SVC(), X, y), SVC(C=3, random_state=0))
    separate = SVC(C=3, random_state=0).fit(X, y)
    assert vars(view).keys() == vars(separate).keys()
    for name, value in vars(separate).items():
        assert_same(getattr(view, name), value)
    assert_same(pickle.loads(pickle.dumps(view)).decision_function(X), separate.decision_function(X))


@pytest.mark.parametrize(
    "svm", [SVC(kernel="linear"), SVC(kernel="poly"), SVC(kernel=np.dot), SVC(probability=True)]
)
def test_other_kernels_and_probabilities_are_not_exact(svm: SVC) -> None:
    assert kernel_submodels(svm) == []


def test_sparse_rows_and_uncertain_kernels_have_no_view() -> None:
    X, y, _ = make_data("classes")
    [submodel] = kernel_submodels(SVC())
    assert submodel.view(submodel.fit(SVC(), sparse.csr_matrix(X), y), SVC()) is None
    assert submodel.view(submodel.fit(SVC(gamma=1e12), X, y), SVC(gamma=1e12)) is None


def test_parameters_that_libsvm_refuses_have_no_view() -> None:
    X, y, _ = make_data("classes")
    [submodel] = kernel_submodels(NuSVC())
    assert submodel.view(submodel.fit(NuSVC(), X, y), NuSVC(nu=1, class_weight={0: 1e-9})) is None


def test_a_kernel_larger_than_256_mib_is_not_shared() -> None:
    X = np.zeros((6000, 1))
    [submodel] = kernel_submodels(SVC())
    assert submodel.fit(SVC(), X, np.arange(6000) % 2) is None


@pytest.mark.parametrize("kernel", ["poly", "sigmoid"])
@pytest.mark.parametrize("svm_class", [SVC, NuSVC, SVR, NuSVR, OneClassSVM])
def test_close_views_have_the_attributes_and_parameters_of_a_separate_fit(
    svm_class: Any, kernel: str
) -> None:
    X, y, _ = make_data("scaled numbers" if svm_class in (SVR, NuSVR) else "scaled classes")
    base = svm_class(kernel=kernel, coef0=0.5, gamma=0.1)
    [submodel] = kernel_submodels(base, is_close=True)
    params = {"nu": 0.3} if "nu" in base.get_params() else {"C": 10.0}
    view = submodel.view(submodel.fit(clone(base), X, y), clone(base).set_params(**params))
    separate = clone(base).set_params(**params).fit(X, y)
    assert vars(view).keys() == vars(separate).keys()
    assert view.get_params() == separate.get_params()


@pytest.mark.parametrize(
    ("offset", "params"),
    [(1e4, {}), (1e3, {}), (0.0, {"max_iter": 5000}), (1e4, {"degree": 200, "gamma": 1.0})],
)
def test_a_kernel_that_varies_too_little_for_single_precision_is_not_shared(
    offset: float, params: Any
) -> None:
    X, y, _ = make_data("classes")
    svm = SVC(kernel="poly", **params)
    assert all(submodel.fit(svm, X + offset, y) is None for submodel in kernel_submodels(svm, is_close=True))
