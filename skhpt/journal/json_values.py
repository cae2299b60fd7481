"""JSON encoding of Python values that restores each value exactly.

Lists, strings, finite numbers, booleans and None are written as in JSON. Any other value is written as a JSON
object with a tag. Only tagged values are JSON objects, so a value is never mistaken for a tag:

- ``{"float": "nan"}``: a number that JSON lacks (also ``inf`` and ``-inf``),
- ``{"str": base64}``: a string that is not valid Unicode, as UTF-8 with surrogates,
- ``{"tuple": [...]}``,
- ``{"dict": {...}}``, or ``{"dict": [[key, value], ...]}`` if some keys are not strings,
- ``{"scalar": base64, "dtype": "<f4"}``: the bytes of a numpy scalar,
- ``{"array": base64, "dtype": "<f8", "shape": [2, 3]}``: the bytes of an array of numbers, booleans, text, bytes
  or dates,
- ``{"objects": [...], "shape": [2, 3]}``: an array of objects, each of them a plain value or one of the following,
- ``{"bytes": base64}``, ``{"decimal": "0.1"}``, ``{"fraction": [1, 3]}``, ``{"date": "2026-11-29"}``,
  ``{"datetime": "2026-11-29T10:00:00"}``, ``{"timedelta": [days, seconds, microseconds]}``.

Reading evaluates and unpickles nothing: a file can contain wrong values, but no code.
"""

from __future__ import annotations

import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import isfinite, prod
from typing import Any

import numpy as np

from skhpt.identity import native

_NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
#: Larger integers are refused: Python may limit the number of digits that it parses, and a float cannot hold
#: them.
_MAX_BITS = 1023
_MAX_DIMENSIONS = 32
_SAFE_DTYPE = re.compile(r"[<>|][biufcSU]\d{1,9}|[<>][mM]8(\[\d{0,9}[A-Za-z]{1,2}\])?")
#: Types of objects in arrays besides plain values: name of the tag, and functions that write and read them.
_OBJECTS: dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    bytes: ("bytes", lambda value: b64encode(value).decode(), lambda text: b64decode(text, validate=True)),
    Decimal: ("decimal", str, Decimal),
    Fraction: ("fraction", lambda value: [value.numerator, value.denominator], lambda pair: Fraction(*pair)),
    date: ("date", date.isoformat, date.fromisoformat),
    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),
    timedelta: (
        "timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda parts: timedelta(*parts),
    ),
}
_READERS = {tag: read for tag, _, read in _OBJECTS.values()}


# -- lines ---------------------------------------------------------------------------------------------------


def _refuse_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not valid JSON")


# Created once: the creation takes about as long as one call.
_raw_decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
#: Encode a JSON value as one line of ASCII: valid UTF-8 too, and escapes keep text that is not valid Unicode.
encode = json.JSONEncoder(allow_nan=False, check_circular=False).encode


def decode(line: bytes) -> Any:
    """Decode a line; raise ValueError if the line is not JSON."""
    text = line.decode()
    try:
        value, end = _raw_decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error}") from None
    if end != len(text) and text[end:].strip():
        raise ValueError(f"not valid JSON: extra data after character {end}")
    return value


# -- values --------------------------------------------------------------------------------------------------


def pack(value: Any, arrays: bool = False, scalars: bool = False) -> Any:
    """Convert a plain value to a JSON value.

    Parameters
    ----------
    value : object
        None, a bool, int, float or str, a numpy scalar of these kinds, or a list, tuple or dict of plain
        values.
    arrays : bool, default=False
        Whether arrays and named tuples are accepted too, and dates, bytes and exact numbers in arrays of
        objects. Named tuples are read back as dicts.
    scalars : bool, default=False
        Whether numpy scalars are read back as numpy scalars; by default as values of Python's types.

    Returns
    -------
    packed : object
        A value that the `json` module can write.

    Raises
    ------
    TypeError
        If the value is of any other type, or contains itself.
    """
    try:
        return _pack(value, arrays, scalars)
    except RecursionError:
        raise TypeError(
            "a value that contains itself, or is nested too deeply, cannot be written as JSON"
        ) from None


def _pack(value: Any, arrays: bool, scalars: bool) -> Any:
    kind = type(value)
    if kind is float:
        return value if isfinite(value) else {"float": repr(value)}
    if kind is str:
        return value if value.isascii() or _is_unicode(value) else _pack_invalid_text(value)
    if value is None or kind is bool:
        return value
    if kind is int and value.bit_length() <= _MAX_BITS:
        return value
    if kind is list:
        return [_pack(item, arrays, scalars) for item in value]
    if kind is tuple:
        return {"tuple": [_pack(item, arrays, scalars) for item in value]}
    if kind is dict:
        return {"dict": _pack_items(value, arrays, scalars)}
    if isinstance(value, np.generic) and type(native(value)) is not kind:
        packed = _pack(native(value), arrays, scalars)
        return _pack_scalar(value) if scalars else packed
    if arrays and kind is np.ndarray:
        return _pack_array(value)
    if arrays and hasattr(value, "_asdict"):
        return _pack(value._asdict(), arrays, scalars)
    raise TypeError(f"a value of type {kind.__name__} cannot be written as JSON")


def unpack(value: Any) -> Any:
    """Convert a JSON value that `pack` returned back to the Python value.

    Raises
    ------
    ValueError
        If `pack` never returns such a value.
    """
    kind = type(value)
    if kind is dict:
        return _unpack_tagged(value)
    if kind is list:
        return [unpack(item) for item in value]
    if (kind is float and not isfinite(value)) or (kind is int and value.bit_length() > _MAX_BITS):
        raise ValueError("a number is out of range")
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pack_invalid_text(text: str) -> dict[str, str]:
    # JSON has pairs of surrogates for some valid characters, and so would not keep a pair as it is.
    return {"str": b64encode(text.encode("utf-8", "surrogatepass")).decode()}


def _pack_scalar(value: np.generic) -> dict[str, str]:
    return {"scalar": b64encode(value.tobytes()).decode(), "dtype": value.dtype.str}


def _pack_items(items: dict[Any, Any], arrays: bool, scalars: bool) -> Any:
    if all(type(key) is str and _is_unicode(key) for key in items):
        return {key: _pack(item, arrays, scalars) for key, item in items.items()}
    return [[_pack(key, False, scalars), _pack(item, arrays, scalars)] for key, item in items.items()]


def _pack_array(array: np.ndarray) -> dict[str, Any]:
    shape = list(array.shape)
    if array.dtype == object:
        return {"objects": [_pack_object(item) for item in array.ravel().tolist()], "shape": shape}
    if not _SAFE_DTYPE.fullmatch(array.dtype.str):
        raise TypeError(f"an array of {array.dtype} cannot be written as JSON")
    return {"array": b64encode(array.tobytes()).decode(), "dtype": array.dtype.str, "shape": shape}


def _pack_object(value: Any) -> Any:
    """Pack an item of an array of objects."""
    kind = type(value)
    if kind not in _OBJECTS:
        return _pack(value, arrays=False, scalars=True)
    tag, write, _ = _OBJECTS[kind]
    if getattr(value, "tzinfo", None) is not None:
        raise TypeError("a time with a time zone cannot be written as JSON")
    if kind is Decimal and value.is_snan():
        raise TypeError("a signaling NaN cannot be written as JSON")
    return {tag: write(value)}


def _unpack_tagged(tagged: dict[str, Any]) -> Any:
    match tagged:
        case {"float": str(name), **rest} if name in _NOT_FINITE and not rest:
            return _NOT_FINITE[name]
        case {"str": str(text), **rest} if not rest:
            return b64decode(text, validate=True).decode("utf-8", "surrogatepass")
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
        case {"scalar": str(text), "dtype": str(dtype), **rest} if not rest:
            return _unpack_array(b64decode(text, validate=True), dtype, [])[()]
    if len(tagged) == 1 and (tag := next(iter(tagged))) in _READERS:
        return _unpack_object(tag, tagged[tag])
    raise ValueError("a JSON object has none of the known tags")


def _unpack_pairs(pairs: list[Any]) -> dict[Any, Any]:
    try:
        return {unpack(key): unpack(item) for key, item in pairs}
    except TypeError:  # an item is not a pair, or a key is not hashable
        raise ValueError("a dict is not a list of pairs of a key and a value") from None


def _unpack_array(data: bytes, dtype_name: str, shape: list[int]) -> np.ndarray:
    if not _SAFE_DTYPE.fullmatch(dtype_name):
        raise ValueError("the items of an array are not numbers, booleans or text")
    try:
        dtype = np.dtype(dtype_name)
    except TypeError:
        raise ValueError("an array has an unknown dtype") from None
    if len(data) != prod(shape) * dtype.itemsize:
        raise ValueError("the number of bytes of an array does not match its shape")
    # A bytearray makes the array writeable.
    array: np.ndarray = np.ndarray(shape, dtype, buffer=bytearray(data))
    if dtype.kind == "U":
        code_points = np.frombuffer(data, f"{dtype_name[0]}u4")
        if code_points.max(initial=0) > sys.maxunicode:
            raise ValueError("a text in an array contains an invalid character")
    return array


def _unpack_objects(items: list[Any], shape: list[int]) -> np.ndarray:
    if len(items) != prod(shape):
        raise ValueError("the number of items of an array does not match its shape")
    array = np.empty(len(items), dtype=object)
    array[:] = [unpack(item) for item in items]
    return array.reshape(shape)


def _unpack_object(tag: str, written: Any) -> Any:
    try:
        return _READERS[tag](written)
    except (TypeError, ArithmeticError):
        raise ValueError(f"a {tag} is not written as one") from None


def _checked_shape(shape: list[Any]) -> list[int]:
    if len(shape) > _MAX_DIMENSIONS or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise ValueError("the shape of an array is not a list of sizes")
    return shape


# -- texts ---------------------------------------------------------------------------------------------------

#: The largest number of characters of the text of an object.
_MAX_TEXT = 200


def is_plain(value: Any) -> bool:
    """Tell whether `pack` accepts a value."""
    try:
        pack(value)
    except TypeError:
        return False
    return True


def pack_text(value: Any) -> Any:
    """Pack a plain value if it is short; return a tagged text for any other value."""
    if is_plain(value) and len(repr(value)) <= _MAX_TEXT:
        return pack(value)
    return {"text": short_text(value)}


def unpack_text(packed: Any) -> Any:
    """Return what `pack_text` was given: a plain value, or the text of any other value."""
    match packed:
        case {"text": str(text), **rest} if not rest:
            return text
    return unpack(packed)


def short_text(value: Any) -> str:
    """Return a text of one line for a value, even if its own ``repr`` fails."""
    try:
        if hasattr(value, "__qualname__"):
            return str(value.__qualname__)
        text = " ".join(repr(value).split())
    except Exception:
        return f"<{type(value).__name__}>"
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "..."
