"""Codecs: parameters of candidates as JSON, with an index in place of each object that JSON cannot hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite
from sys import intern
from typing import Any, Protocol

from skhpt._typing import Params
from skhpt.identity import native, value_key
from skhpt.journal.json_values import is_plain, pack, pack_text, short_text, unpack, unpack_text
from skhpt.space.dimensions import Choice, Continuous, Dimension
from skhpt.space.space import Space

_ACCEPTED = "None, bool, int, float and str are, and lists and tuples of them."


class Codec(Protocol):
    """Converts the parameters of candidates to JSON and back.

    The JSON form is ``{"branch": 1, "params": {"C": 0.5, "kernel": {"choice": 1}}}``. A plain value is
    written as `pack` returns it, which is never ``{"choice": ...}``. Any other value is written as its index
    among the choices of its branch and parameter. Branch 0 is left out.
    """

    def encode(self, params: Mapping[str, Any]) -> Any:
        """Convert parameters to JSON; raise TypeError or ValueError if that is impossible."""
        ...

    def decode(self, point: Any) -> Params:
        """Convert JSON to parameters; raise ValueError if it is not the JSON form of parameters."""
        ...

    def texts(self) -> list[dict[str, list[Any]]]:
        """Return a text for each choice as JSON: by branch, parameter and index."""
        ...


class SpaceCodec:
    """Codec for points of a space: a choice is written as its index in the user's list, a draw as its value.

    A number of a long range or array is written as a draw is.

    Parameters
    ----------
    space : Space
        The space that the candidates belong to.
    """

    def __init__(self, space: Space):
        self._space = space
        self._branches = space.branches
        self._choices: list[dict[str, list[Any]]] = []
        self._readers: list[dict[str, _Reader]] = []
        for branch in space.branches:
            lists = {name: dim.values for name, dim in branch.items() if isinstance(dim, Choice)}
            self._choices.append({name: values for name, values in lists.items() if isinstance(values, list)})
            self._readers.append({name: _reader_of(name, dim) for name, dim in branch.items()})

    def encode(self, params: Mapping[str, Any]) -> Any:
        branch_index = self._branch_of(params)
        branch, choices = self._branches[branch_index], self._choices[branch_index]
        written = {}
        for name, value in params.items():
            dimension = branch[name]
            if isinstance(dimension, Choice) and name in choices:
                written[name] = {"choice": dimension.index(value)}
            else:
                written[name] = _pack_draw(name, value, isinstance(dimension, (Choice, Continuous)))
        return {"branch": branch_index, "params": written} if branch_index else {"params": written}

    def decode(self, point: Any) -> Params:
        branch_index, written = _branch_and_params(point, len(self._branches))
        readers = self._readers[branch_index]
        if written.keys() != readers.keys():
            raise ValueError(
                f"a candidate has the parameters {sorted(written)}, but its branch has {sorted(readers)}"
            )
        params = {}
        for name, value in written.items():
            own_name, read = readers[name]  # one object for all candidates
            params[own_name] = read(value)
        return params

    def texts(self) -> list[dict[str, list[Any]]]:
        return [_texts_by_name(choices) for choices in self._choices]

    def _branch_of(self, params: Mapping[str, Any]) -> int:
        """Return the index of a branch that the parameters belong to."""
        matching = [i for i, branch in enumerate(self._branches) if branch.keys() == params.keys()]
        if len(matching) == 1:
            return matching[0]
        return self._space.branch_of(params)  # slower: checks the values too


class ListCodec:
    """Codec for listed candidates: an object is written as its index among the listed values of its parameter.

    Parameters
    ----------
    candidates : sequence of dict
        The listed parameters. Other candidates can be written too, if their objects are among the listed
        ones.
    """

    def __init__(self, candidates: Sequence[Mapping[str, Any]]):
        self.values: dict[str, list[Any]] = {}
        self._indices: dict[str, dict[Any, int]] = {}
        for params in candidates:
            for name, value in params.items():
                if not is_plain(value):
                    self._register(name, value)

    def encode(self, params: Mapping[str, Any]) -> Any:
        return {"params": {name: self._encode_value(name, value) for name, value in params.items()}}

    def decode(self, point: Any) -> Params:
        _, written = _branch_and_params(point, 1)
        return _unpack_params(written, self.values)

    def texts(self) -> list[dict[str, list[Any]]]:
        return [_texts_by_name(self.values)]

    def _register(self, name: str, value: Any) -> None:
        values = self.values.setdefault(name, [])
        indices = self._indices.setdefault(name, {})
        key = value_key(value)
        if key not in indices:
            indices[key] = len(values)
            values.append(value)

    def _encode_value(self, name: str, value: Any) -> Any:
        try:
            return pack(value, scalars=True)
        except TypeError as error:
            index = self._indices.get(name, {}).get(value_key(value))
            if index is None:
                raise ValueError(
                    f"journal: the value of parameter {name!r} cannot be written: {short_text(value)}. {_ACCEPTED} "
                    "Anything else must be among the values of that parameter in the candidates of the search."
                ) from error
            return {"choice": index}


class TextCodec:
    """Decoder without the user's objects: each choice is read as its text.

    Parameters
    ----------
    texts : list of dict of str to list
        Texts of the choices, as ``texts()`` of the writing codec returned them.

    Raises
    ------
    ValueError
        If the texts do not have this form.
    """

    def __init__(self, texts: Any):
        if not isinstance(texts, list) or not all(isinstance(branch, dict) for branch in texts):
            raise ValueError("the texts of the choices are not a list of dicts")
        self._choices: list[dict[str, list[Any]]] = []
        for branch in texts:
            if not all(isinstance(values, list) for values in branch.values()):
                raise ValueError("the texts of the choices of a parameter are not a list")
            self._choices.append({name: list(map(unpack_text, values)) for name, values in branch.items()})

    def decode(self, point: Any) -> Params:
        branch_index, written = _branch_and_params(point, len(self._choices))
        return _unpack_params(written, self._choices[branch_index])


#: A name, and the function that reads the values of this parameter.
_Reader = tuple[str, Callable[[Any], Any]]


def _reader_of(name: str, dimension: Dimension) -> _Reader:
    if isinstance(dimension, Choice) and isinstance(dimension.values, list):
        return name, partial(_read_choice, name, dimension.values)
    if isinstance(dimension, Choice):
        return name, partial(_read_number, name, dimension)
    return name, partial(_read_draw, name, isinstance(dimension, Continuous))


def _read_choice(name: str, choices: Sequence[Any], written: Any) -> Any:
    if type(written) is not dict or "choice" not in written:
        raise ValueError(f"parameter {name!r} is a choice in the space, but not in the file")
    index = written["choice"]
    if len(written) == 1 and type(index) is int and 0 <= index < len(choices):
        return choices[index]
    raise ValueError(f"the choice of parameter {name!r} is not one of the {len(choices)} choices")


def _read_number(name: str, dimension: Choice, written: Any) -> Any:
    value = _read_draw(name, True, written)
    if dimension.are_values([value])[0]:
        return value
    raise ValueError(f"parameter {name!r} is not one of the {dimension.size} choices")


def _read_draw(name: str, must_be_number: bool, written: Any) -> Any:
    if type(written) is float and isfinite(written):
        return written
    if _is_choice(written):
        raise ValueError(f"parameter {name!r} is a choice in the file, but not in the space")
    value = unpack(written)
    if must_be_number and not _is_number(value):
        raise ValueError(f"parameter {name!r} is not a number")
    return value


def _branch_and_params(point: Any, n_branches: int) -> tuple[int, dict[str, Any]]:
    """Check the outer form of a point; return the index of its branch and its encoded parameters."""
    if (
        type(point) is not dict
        or type(point.get("params")) is not dict
        or not point.keys() <= {"params", "branch"}
    ):
        raise ValueError("the parameters of a candidate are missing or not a dict")
    branch_index = point.get("branch", 0)
    if type(branch_index) is not int or not 0 <= branch_index < n_branches:
        raise ValueError(f"the branch of a candidate is not one of the {n_branches} branches")
    return branch_index, point["params"]


def _unpack_params(written: Mapping[str, Any], choices: Mapping[str, Sequence[Any]]) -> Params:
    """Unpack the parameters of a candidate, each of which may be a choice or a plain value."""
    params = {}
    for name, value in written.items():
        is_choice = _is_choice(value)
        params[intern(name)] = (
            _read_choice(name, choices.get(name, ()), value) if is_choice else unpack(value)
        )
    return params


def _is_choice(written: Any) -> bool:
    return type(written) is dict and "choice" in written


def _pack_draw(name: str, value: Any, must_be_number: bool) -> Any:
    """Pack a value that was drawn from a distribution."""
    value = native(value)
    try:
        if must_be_number and not _is_number(value):
            raise TypeError("not a number")
        return pack(value, scalars=True)
    except TypeError as error:
        raise TypeError(
            f"journal: a draw from the distribution of parameter {name!r} cannot be written: {short_text(value)}. "
            f"{'Numbers are.' if must_be_number else _ACCEPTED} Give anything else as a list of choices, which are "
            "written by their index in the list."
        ) from error


def _is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int


def _texts_by_name(choices: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    return {name: _texts(values) for name, values in choices.items()}


def _texts(values: Sequence[Any]) -> list[Any]:
    """Return the text of each choice as JSON; equal texts of different objects get their index."""
    texts = [pack_text(value) for value in values]
    seen: set[str] = set()
    for i, text in enumerate(texts):
        if type(text) is dict and "text" in text:
            if text["text"] in seen:
                text["text"] += f" [{i}]"
            seen.add(text["text"])
    return texts
