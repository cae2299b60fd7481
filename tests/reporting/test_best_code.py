"""Code that builds an estimator: it runs when it is pasted, and builds the same."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt.reporting.best_code import call_of, code_of
from tests.estimators import Null

ESTIMATORS = [
    SVC(),
    SVC(C=1.5, kernel="poly", class_weight={0: 1, 1: 2.5}),
    make_pipeline(StandardScaler(), SelectKBest(f_regression, k=3), LogisticRegression(C=np.float64(0.1))),
    make_column_transformer((OneHotEncoder(sparse_output=False), ["colour", "it's"]), (StandardScaler(), [0, 1])),
    VotingClassifier([("a", SVC()), ("b", DecisionTreeClassifier(max_depth=np.int64(3)))], weights=[1, 2]),
    BaggingClassifier(SVC(C=2), n_estimators=3),
    GaussianProcessRegressor(RBF(2.0) + WhiteKernel()),
    FunctionTransformer(np.log1p, inverse_func=np.expm1),
    Null(value=(1, (2,), [], {}, None, True, b"x", 'say "hi"', "it's", 1j)),
]  # fmt: skip


def built(code):
    names = {}
    exec(code, names)
    return names["estimator"]


def plain_params(estimator):
    """Parameters of an estimator and its parts, with the classes of the parts."""
    params = estimator.get_params().items()
    return {
        name: type(value) if hasattr(value, "get_params") else value
        for name, value in params
        if not isinstance(value, list) or name == "value"
    }


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_the_code_builds_the_same_estimator(estimator):
    code = code_of(estimator)
    assert code_of(built(code)) == code
    assert plain_params(built(code)) == plain_params(estimator)
    assert max(map(len, code.splitlines())) <= 88


def test_parameters_with_their_defaults_are_left_out():
    assert code_of(SVC(C=1.0, kernel="rbf")) == "from sklearn.svm import SVC\n\nestimator = SVC()"
    assert code_of(SVC(C=2)).endswith("estimator = SVC(C=2)")


def test_arrays_and_special_numbers_are_written_out():
    estimator = built(code_of(Null(value=[np.array([[1.5, np.nan]]), math.inf, -math.inf])))
    np.testing.assert_array_equal(estimator.value[0], [[1.5, np.nan]])
    assert estimator.value[1:] == [math.inf, -math.inf]


@pytest.mark.parametrize(
    "value",
    [lambda x: x, np.zeros(1000), make_column_selector(dtype_include="number"), object()],
    ids=lambda value: type(value).__name__,
)
def test_what_no_code_can_build_is_named_in_a_comment(value):
    code = code_of(Null(value=value))
    assert "estimator = Null(value=the_value)" in code
    comment = next(line for line in code.splitlines() if line.startswith("# the_value is "))
    assert type(value).__name__ in comment or "array" in comment
    compile(code, "pasted", "exec")


def test_a_line_break_in_a_value_stays_in_its_comment():
    class Odd:
        def __repr__(self):
            return "odd\nimport os"

    compile(code_of(Null(value=Odd())), "pasted", "exec")
    assert "\nimport os" not in code_of(Null(value=Odd()))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda values: (
        st.lists(values, max_size=4)
        | st.lists(values, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), values, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5))
def test_any_plain_parameters_are_called_with_the_same_values(params):
    taken = {}
    exec(call_of(params, "taken.update"), {"taken": taken})
    assert repr(taken) == repr(params)
