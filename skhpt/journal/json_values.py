"""Values as JSON and back, exactly.

Lists, strings, finite numbers, booleans and None are what they are in JSON. Everything else is an object with a mark,
and nothing but a mark is an object, so the two cannot be mistaken for each other:

- ``{"float": "nan"}``: what JSON has no number for (also ``inf`` and ``-inf``),
- ``{"tuple": [...]}``,
- ``{"dict": {...}}``, or ``{"dict": [[key, value], ...]}`` if keys are no strings,
- ``{"array": base64, "dtype": "<f8", "shape": [2, 3]}``: the bytes of an array of numbers, booleans or text,
- ``{"objects": [...], "shape": [2, 3]}``: an array of objects, each of them a plain value.

Nothing that is read is ever evaluated or unpickled: a file can hold wrong values, but no code.
"""

from __future__ import annotations

import re
import sys
from base64 import b64decode, b64encode
from math import isfinite, prod
from typing import Any

import numpy as np

from skhpt.identity import native

_NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
#: Integers up to here are read and written whatever limit Python has been given, and fit into a float.
_MAX_BITS = 1023
_SAFE_DTYPE = re.compile(r"[<>|][biufcU]\d{1,9}")


def pack(value: Any, arrays: bool = False) -> Any:
    """Turn a plain value into what JSON can hold.

    Parameters
    ----------
    value : object
        None, a bool, int, float or str, numpy's scalars of these kinds, or a list, tuple or dict of plain values.
    arrays : bool, default=False
        Whether arrays, and named tuples (which come back as dicts), are taken too.

    Raises
    ------
    TypeError
        If the value is anything else.
    """
    kind = type(value)
    if kind is float:
        return value if isfinite(value) else {"float": repr(value)}
    if value is None or kind is str or kind is bool:
        return value
    if kind is int and value.bit_length() <= _MAX_BITS:
        return value
    if kind is list:
        return [pack(item, arrays) for item in value]
    if kind is tuple:
        return {"tuple": [pack(item, arrays) for item in value]}
    if kind is dict:
        return {"dict": _pack_items(value, arrays)}
    if isinstance(value, np.generic) and type(native(value)) is not kind:
        return pack(native(value), arrays)
    if arrays and kind is np.ndarray:
        return _pack_array(value)
    if arrays and hasattr(value, "_asdict"):
        return pack(value._asdict(), arrays)
    raise TypeError(f"a value of type {kind.__name__} cannot be written as JSON")


def unpack(value: Any) -> Any:
    """Turn what `pack` made of a value into the value.

    Raises
    ------
    ValueError
        If `pack` makes nothing like it.
    """
    kind = type(value)
    if kind is dict:
        return _unpack_marked(value)
    if kind is list:
        return [unpack(item) for item in value]
    if (kind is float and not isfinite(value)) or (kind is int and value.bit_length() > _MAX_BITS):
        raise ValueError("a number is out of range")
    return value


def _pack_items(items: dict[Any, Any], arrays: bool) -> Any:
    if all(type(key) is str for key in items):
        return {key: pack(item, arrays) for key, item in items.items()}
    return [[pack(key), pack(item, arrays)] for key, item in items.items()]


def _pack_array(array: np.ndarray) -> dict[str, Any]:
    shape = list(array.shape)
    if array.dtype == object:
        return {"objects": [pack(item) for item in array.ravel().tolist()], "shape": shape}
    if not _SAFE_DTYPE.fullmatch(array.dtype.str):
        raise TypeError(f"an array of {array.dtype} cannot be written as JSON")
    return {"array": b64encode(array.tobytes()).decode(), "dtype": array.dtype.str, "shape": shape}


def _unpack_marked(marked: dict[str, Any]) -> Any:
    match marked:
        case {"float": str(name), **rest} if name in _NOT_FINITE and not rest:
            return _NOT_FINITE[name]
        case {"tuple": list(items), **rest} if not rest:
            return tuple(map(unpack, items))
        case {"dict": dict(items), **rest} if not rest:
            return {name: unpack(item) for name, item in items.items()}
        case {"dict": list(pairs), **rest} if not rest:
            return _unpack_pairs(pairs)
        case {"array": str(text), "dtype": str(dtype), "shape": list(shape), **rest} if not rest:
            return _unpack_array(b64decode(text, validate=True), dtype, _checked_shape(shape))
        case {"objects": list(items), "shape": list(shape), **rest} if not rest:
            return _unpack_objects(items, _checked_shape(shape))
    raise ValueError("an object is none of the marks for values that JSON lacks")


def _unpack_pairs(pairs: list[Any]) -> dict[Any, Any]:
    try:
        return {unpack(key): unpack(item) for key, item in pairs}
    except TypeError:  # no pairs, or keys that cannot be keys
        raise ValueError("a dict is no list of pairs of a key and a value") from None


def _unpack_array(data: bytes, name: str, shape: list[int]) -> np.ndarray:
    if not _SAFE_DTYPE.fullmatch(name):
        raise ValueError("an array is not of numbers, booleans or text")
    try:
        dtype = np.dtype(name)
    except TypeError:
        raise ValueError("an array is of an unknown type") from None
    if len(data) != prod(shape) * dtype.itemsize:
        raise ValueError("an array has not as many bytes as its shape asks for")
    array: np.ndarray = np.ndarray(shape, dtype, buffer=bytearray(data))  # a copy, so that it can be written to
    if dtype.kind == "U" and np.frombuffer(data, f"{name[0]}u4").max(initial=0) > sys.maxunicode:
        raise ValueError("a text in an array is not of characters")
    return array


def _unpack_objects(items: list[Any], shape: list[int]) -> np.ndarray:
    if len(items) != prod(shape):
        raise ValueError("an array has not as many items as its shape asks for")
    array = np.empty(len(items), dtype=object)
    array[:] = [unpack(item) for item in items]
    return array.reshape(shape)


def _checked_shape(shape: list[Any]) -> list[int]:
    if len(shape) > 32 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise ValueError("the shape of an array is no list of sizes")
    return shape
