"""Keys are equal exactly if the values make the same candidate."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt.identity import native, params_key, value_key

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=5,
)


@given(plain, plain)
def test_keys_are_equal_for_the_same_content_and_type(a, b):
    assert (value_key(a) == value_key(b)) == (repr(a) == repr(b) or sorted_repr(a) == sorted_repr(b))
    hash(value_key(a))


def sorted_repr(value):
    """Return a repr that does not depend on the order of a dict."""
    if isinstance(value, dict):
        return repr(sorted((key, sorted_repr(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + repr([sorted_repr(item) for item in value])
    return repr(value)


@pytest.mark.parametrize(
    "a, b",
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ("a", b"a"),
        ((1, 2), [1, 2]),
        (SVC(C=1), SVC(C=2)),
        (SVC(), Ridge()),
        (SVC(C=1), SVC(C=1.0)),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        (np.array([1, 2]), np.array([[1, 2]])),
        (partial(max, 1), partial(max, 2)),
        (len, max),
        (int, float),
        (object(), object()),
        (SVC, SVC()),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_different_values_have_different_keys(a, b):
    assert value_key(a) != value_key(b)


@pytest.mark.parametrize(
    "a, b",
    [
        (np.float64(0.5), 0.5),
        (np.int32(3), 3),
        (np.str_("a"), "a"),
        (np.bool_(True), True),
        (float("nan"), np.nan),
        (SVC(C=2), SVC(C=2)),
        (make_pipeline(StandardScaler(), SVC()), make_pipeline(StandardScaler(), SVC())),
        (np.array([1, 2]), np.array([1, 2])),
        (np.array([1, "a"], dtype=object), np.array([1, "a"], dtype=object)),
        (partial(max, 1), partial(max, 1)),
        ({1, 2}, {2, 1}),
        (len, len),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_same_values_have_equal_keys(a, b):
    assert value_key(a) == value_key(b)
    assert hash(value_key(a)) == hash(value_key(b))


def test_the_order_of_parameters_does_not_matter():
    assert params_key({"a": 1, "b": SVC()}) == params_key({"b": SVC(), "a": 1})
    assert params_key({"a": 1}) != params_key({"a": 1, "b": None})


@pytest.mark.parametrize(
    "value", [np.float32(0.5), np.int64(3), np.bool_(False), np.str_("a"), np.bytes_(b"a")]
)
def test_numpy_scalars_become_python_values(value):
    assert native(value) == value
    assert not isinstance(native(value), np.generic)


def test_native_leaves_other_objects_alone():
    for thing in (SVC(), np.array([1]), None, (np.int64(1),)):
        assert native(thing) is thing
