"""Values as JSON: each value is read as it was written, and any other JSON is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.svm import SVC

from skhpt.identity import value_key
from skhpt.journal.json_values import pack, unpack
from tests.journal.examples import PLAIN_VALUES, through_json


@given(PLAIN_VALUES)
def test_plain_values_round_trip(value):
    assert value_key(unpack(through_json({"x": pack(value)})["x"])) == value_key(value)


@given(st.text(st.characters()) | st.text("a\ud83d\ude00"))
def test_text_that_is_not_valid_unicode_round_trips(text):
    for value in (text, {text: 1}, (text, [text])):
        assert unpack(through_json({"x": pack(value)})["x"]) == value


@pytest.mark.parametrize(
    "value",
    [np.float32(0.1), np.int8(3), np.bool_(True), np.str_("é"), np.float64("nan"), np.uint64(2**64 - 1)],
)
def test_numpy_scalars_keep_their_type_if_asked_for(value):
    back = unpack(through_json({"x": pack([value], scalars=True)})["x"])[0]
    assert (type(back), back.tobytes()) == (type(value), value.tobytes())


@pytest.mark.parametrize(
    "value", [{"float": "nan"}, {"choice": 1}, {"dict": {}}, "nan", ["tuple"], {"text": "a"}]
)
def test_values_that_look_like_tags_round_trip(value):
    assert unpack(pack(value)) == value


def test_numpy_scalars_become_python_values():
    values = [np.float64(0.1), np.float32(0.5), np.int64(2**60), np.bool_(True), np.str_("a")]
    back = unpack(pack(values))
    assert back == [0.1, 0.5, 2**60, True, "a"]
    assert [type(value) for value in back] == [float, float, int, bool, str]


@pytest.mark.parametrize(
    "value", [object(), SVC(), {1, 2}, b"x", 1j, np.arange(3), 2**2000, np.datetime64(1, "s")]
)
def test_values_of_other_types_are_refused(value):
    with pytest.raises(TypeError, match="cannot be written"):
        pack([value])


@given(
    hnp.arrays(
        hnp.boolean_dtypes()
        | hnp.integer_dtypes()
        | hnp.floating_dtypes()
        | hnp.unicode_string_dtypes(max_len=3),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
def test_arrays_round_trip(array):
    back = unpack(through_json(pack(array, arrays=True)))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


def test_arrays_of_labels_and_slices_round_trip():
    labels = np.array([["a", None], [1, 2.5]], dtype=object)
    back = unpack(through_json(pack(labels, arrays=True)))
    assert (back.dtype, back.tolist()) == (object, labels.tolist())
    array = np.arange(12).reshape(3, 4)[::2, ::-1]
    np.testing.assert_array_equal(unpack(pack(array, arrays=True)), array)
    with pytest.raises(TypeError):
        pack(np.array([SVC()], dtype=object), arrays=True)
    with pytest.raises(TypeError):
        pack(np.array([(1, 2)], dtype="i4,i4"), arrays=True)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"float": "1.5"},
        {"float": "nan", "tuple": []},
        {"tuple": 3},
        {"dict": [[1]]},
        {"dict": [[[1], 2]]},
        {"dict": 3},
        {"code": "print()"},
        1e999,
        10**400,
        {"array": "", "dtype": "|O8", "shape": [0]},
        {"array": "AAAA", "dtype": "<f8", "shape": [3]},
        {"array": "%%", "dtype": "<f8", "shape": [0]},
        {"array": "", "dtype": "<f7", "shape": [0]},
        {"array": "", "dtype": "<f8", "shape": [-1]},
        {"array": "", "dtype": "<f8", "shape": [0, 2**39, 2**39]},
        {"array": "", "dtype": "<U999999999", "shape": [0, 1e5]},
        {"array": "/////w==", "dtype": "<U1", "shape": [1]},
        {"array": "", "dtype": "<f8", "shape": [0] * 40},
        {"objects": [1], "shape": [2]},
        {"str": "%%"},
        {"str": "/////w=="},
        {"scalar": "AAAA", "dtype": "<f8"},
        {"scalar": "AAAA", "dtype": "|O8"},
        {"bytes": "%%"},
        {"bytes": 3},
        {"decimal": "x"},
        {"decimal": [1]},
        {"fraction": [1, 0]},
        {"fraction": 3},
        {"date": "today"},
        {"datetime": 3},
        {"timedelta": [1e300]},
        {"timedelta": {"a": 1}},
        {"objects": [{"array": "", "dtype": "object", "shape": [0]}], "shape": [1]},
    ],
    ids=lambda written: str(written)[:40],
)
def test_json_that_pack_never_returns_is_refused(written):
    with pytest.raises(ValueError):
        unpack([written])
