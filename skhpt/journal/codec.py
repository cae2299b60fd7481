"""Candidates as JSON: what is plain as it is, what is not as a place in what the user gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from skhpt.identity import native, value_key
from skhpt.journal.json_values import pack, unpack
from skhpt.space.dimensions import Choice, Continuous
from skhpt.space.space import Space

#: Longer descriptions of choices are cut.
_MAX_TEXT = 200


class Codec(Protocol):
    """Writes the parameters of candidates as JSON.

    They are written as ``{"branch": 1, "params": {"C": 0.5, "kernel": {"choice": 1}}}``: a plain value as `pack` writes
    it, which makes no ``{"choice": ...}``, and anything else as a place among the choices of that branch and parameter.
    The first branch need not be mentioned.
    """

    def encode(self, params: Mapping[str, Any]) -> Any:
        """Turn parameters into JSON; raise TypeError or ValueError if that cannot be."""
        ...

    def decode(self, point: Any) -> dict[str, Any]:
        """Turn JSON into parameters; raise ValueError if no parameters are written like that."""
        ...

    def texts(self) -> list[dict[str, list[Any]]]:
        """Return, as JSON, what to show of each choice: by branch, parameter and place."""
        ...


class SpaceCodec:
    """Writes points of a space: choices by their place in the user's lists, draws from distributions by their value.

    Parameters
    ----------
    space : Space
        What the candidates are points of.
    """

    def __init__(self, space: Space):
        self._space = space
        self._branches = space.branches
        self._choices = [
            {name: dim.values for name, dim in branch.items() if isinstance(dim, Choice)} for branch in space.branches
        ]

    def encode(self, params: Mapping[str, Any]) -> Any:
        number = self._branch_of(params)
        branch = self._branches[number]
        written = {}
        for name, value in params.items():
            dimension = branch[name]
            if isinstance(dimension, Choice):
                written[name] = {"choice": dimension.index(value)}
            else:
                written[name] = _pack_draw(name, value, isinstance(dimension, Continuous))
        return {"branch": number, "params": written} if number else {"params": written}

    def decode(self, point: Any) -> dict[str, Any]:
        number, written = _parts(point, len(self._branches))
        branch = self._branches[number]
        if written.keys() != branch.keys():
            raise ValueError(f"a candidate has the parameters {sorted(written)}, and its branch {sorted(branch)}")
        params = {name: _value(name, value, self._choices[number]) for name, value in written.items()}
        for name, dimension in branch.items():
            if isinstance(dimension, Choice) is not _is_choice(written[name]):
                raise ValueError(f"parameter {name!r} is a choice in the file or in the space, and not in the other")
            if isinstance(dimension, Continuous) and not _is_number(params[name]):
                raise ValueError(f"parameter {name!r} is no number")
        return params

    def texts(self) -> list[dict[str, list[Any]]]:
        return [{name: _texts(values) for name, values in choices.items()} for choices in self._choices]

    def _branch_of(self, params: Mapping[str, Any]) -> int:
        """Return a branch to write parameters with; values are looked at only if the names leave several."""
        fitting = [i for i, branch in enumerate(self._branches) if branch.keys() == params.keys()]
        return fitting[0] if len(fitting) == 1 else self._space.branch_of(params)


class ListCodec:
    """Writes what a person listed: what is not plain by its place among the different values of its parameter.

    Parameters
    ----------
    candidates : sequence of dict
        The parameters that were listed. Others can be written too, as far as what is not plain is among the listed.
    """

    def __init__(self, candidates: Sequence[Mapping[str, Any]]):
        self._values: dict[str, list[Any]] = {}
        self._places: dict[str, dict[Any, int]] = {}
        for name, value in ((name, value) for params in candidates for name, value in params.items()):
            if not _is_plain(value):
                values, places = self._values.setdefault(name, []), self._places.setdefault(name, {})
                if places.setdefault(value_key(value), len(values)) == len(values):
                    values.append(value)

    def encode(self, params: Mapping[str, Any]) -> Any:
        return {"params": {name: self._encode_value(name, value) for name, value in params.items()}}

    def decode(self, point: Any) -> dict[str, Any]:
        _, written = _parts(point, 1)
        return {name: _value(name, value, self._values) for name, value in written.items()}

    def texts(self) -> list[dict[str, list[Any]]]:
        return [{name: _texts(values) for name, values in self._values.items()}]

    def _encode_value(self, name: str, value: Any) -> Any:
        try:
            return pack(value)
        except TypeError as error:
            place = self._places.get(name, {}).get(value_key(value))
            if place is None:
                raise ValueError(
                    f"journal: the value of parameter {name!r} cannot be written: {_described(value)}. {_ACCEPTED} "
                    "Anything else must be among the values of that parameter in the candidates of the search."
                ) from error
            return {"choice": place}


class TextCodec:
    """Reads what another codec wrote, without the user's objects: of each choice it gives what there is to show.

    Parameters
    ----------
    texts : list of dict of str to list
        What the other codec has for ``texts()``.

    Raises
    ------
    ValueError
        If they are nothing like that.
    """

    def __init__(self, texts: Any):
        if not isinstance(texts, list) or not all(isinstance(branch, dict) for branch in texts):
            raise ValueError("the texts of the choices are no list of dicts")
        if not all(isinstance(values, list) for branch in texts for values in branch.values()):
            raise ValueError("the texts of the choices of a parameter are no list")
        self._choices = [
            {name: [_shown(text) for text in values] for name, values in branch.items()} for branch in texts
        ]

    def decode(self, point: Any) -> dict[str, Any]:
        number, written = _parts(point, len(self._choices))
        return {name: _value(name, value, self._choices[number]) for name, value in written.items()}


_ACCEPTED = "None, bool, int, float and str are, and lists and tuples of them."


def _parts(point: Any, n_branches: int) -> tuple[int, dict[str, Any]]:
    """Check the outer form of a point; return its branch and what is written of its parameters."""
    match point:
        case {"params": dict(written), **rest} if rest.keys() <= {"branch"}:
            number = rest.get("branch", 0)
            if type(number) is int and 0 <= number < n_branches:
                return number, written
            raise ValueError(f"a candidate is of a branch that is none of {n_branches}")
    raise ValueError("the parameters of a candidate are missing or no dict")


def _value(name: str, written: Any, choices: Mapping[str, Sequence[Any]]) -> Any:
    if not _is_choice(written):
        return unpack(written)
    place = written["choice"]
    if len(written) == 1 and type(place) is int and 0 <= place < len(choices.get(name, ())):
        return choices[name][place]
    raise ValueError(f"parameter {name!r} is a choice that is none of {len(choices.get(name, ()))}")


def _is_choice(written: Any) -> bool:
    return type(written) is dict and "choice" in written


def _pack_draw(name: str, value: Any, must_be_number: bool) -> Any:
    """Pack what was drawn from a distribution."""
    value = native(value)
    try:
        if must_be_number and not _is_number(value):
            raise TypeError("it is no number")
        return pack(value)
    except (TypeError, RecursionError) as error:
        raise TypeError(
            f"journal: what the distribution of parameter {name!r} gave cannot be written: {_described(value)}. "
            f"{'Numbers are.' if must_be_number else _ACCEPTED} Give anything else as a list of choices, which are "
            "written by their place in the list."
        ) from error


def _is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int


def _is_plain(value: Any) -> bool:
    try:
        pack(value)
    except TypeError:
        return False
    return True


def _texts(values: Sequence[Any]) -> list[Any]:
    """Say what to show of some choices; what looks alike gets a number."""
    texts = [_text(value) for value in values]
    seen: set[str] = set()
    for i, text in enumerate(texts):
        if type(text) is dict and "text" in text:
            if text["text"] in seen:
                text["text"] += f" [{i}]"
            seen.add(text["text"])
    return texts


def _text(value: Any) -> Any:
    """Pack a plain value if it is short; describe any other."""
    if _is_plain(value) and len(repr(value)) <= _MAX_TEXT:
        return pack(value)
    return {"text": _described(value)}


def _shown(text: Any) -> Any:
    match text:
        case {"text": str(shown), **rest} if not rest:
            return shown
    return unpack(text)


def _described(value: Any) -> str:
    """Describe a value in one line, whatever its own repr does."""
    if hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    try:
        text = " ".join(repr(value).split())
    except Exception:
        return f"<{type(value).__name__}>"
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "..."
