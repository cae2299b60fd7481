"""Code of the user: digests of the classes and functions that a search depends on.

Installed packages are described by their versions. All other code may change from one run to the next: scripts,
notebooks, local packages. It is described by its instructions and by the constants that it reads.
"""

from __future__ import annotations

import dis
import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

#: Largest number of values that are visited; code beyond is not described.
MAX_VISITED = 20_000
#: Largest depth of containers in a constant.
MAX_DEPTH = 20
#: Packages whose code is described by their versions, wherever they are installed.
_KNOWN_PACKAGES = {"skhpt", "sklearn", "numpy", "scipy", "joblib", "pandas"}
_INSTALLED_FOLDERS = {"site-packages", "dist-packages"}
#: Attributes of classes that are no code of the user, or do not affect results.
_IGNORED_ATTRIBUTES = {
    *("__module__", "__doc__", "__qualname__", "__dict__", "__weakref__", "__firstlineno__"),
    *("__static_attributes__", "__annotations__", "__annotate__", "__annotate_func__"),
    *("__annotations_cache__", "__abstractmethods__", "__slotnames__", "__orig_bases__"),
    *("__parameters__", "__dataclass_fields__", "__dataclass_params__"),
}
#: Names that the body of a class stores by itself.
_STORED_BY_CLASS_BODY = {"__module__", "__doc__", "__qualname__", "__firstlineno__", "__static_attributes__"}
#: Methods that change a list, dict or set in place.
_MUTATORS = {
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "appendleft", "popleft"),
    *("add", "discard", "update", "setdefault", "popitem", "__setitem__", "fill"),
}
_ASSIGNMENTS = {
    *("STORE_GLOBAL", "STORE_ATTR", "STORE_DEREF"),
    *("DELETE_GLOBAL", "DELETE_ATTR", "DELETE_DEREF"),
}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), range)
_CONTAINERS = (list, tuple, set, frozenset)


def describe_user_code(*values: Any, candidates: Any = None) -> str:
    """Describe the user's code that values refer to; the description is the same in every process.

    Parameters
    ----------
    *values : object
        Estimators, scorers, functions, classes, and containers of them.
    candidates : object, default=None
        Search space or list of candidates. Functions without a name are left out: one that replaces another is
        another candidate.

    Returns
    -------
    description : str
        Names of classes and functions with digests of their code, such as ``"Clean #1f3c, scale #9a02"``; empty
        if there is no code of the user. Positions in files, comments and docstrings do not matter. Code that
        this code calls is included, as far as it is found by its name.
    """
    digests = _digests(values)
    for name, found in _digests([candidates]).items():
        if name != "<lambda>":
            digests[name] = digests.get(name, set()) | found
    return ", ".join(f"{name} #{' #'.join(sorted(digests[name]))}" for name in sorted(digests))


def _digests(values: Iterable[Any]) -> dict[str, set[str]]:
    visit = _Visit()
    visit.all_of(values)
    return visit.digests()


def changed_code(before: str, after: str) -> list[str]:
    """Return the names of classes and functions whose code differs between two descriptions.

    A name that only one of the descriptions has is left out: something else was searched, its code did not change.
    """
    old, new = _digests_by_name(before), _digests_by_name(after)
    common = sorted(old.keys() & new.keys())
    return [name for name in common if not (old[name] <= new[name] or new[name] <= old[name])]


def _digests_by_name(description: str) -> dict[str, set[str]]:
    digests = {}
    for entry in filter(None, description.split(", ")):
        name, *rest = entry.split(" #")
        digests[name] = set(rest)
    return digests


# -- visiting ------------------------------------------------------------------------------------------------


@dataclass
class _Piece:
    """A class or function of the user, before it is known which constants the code changes."""

    name: str
    text: str
    constants: dict[str, Any] = field(default_factory=dict)


class _Visit:
    """Visit of all that values refer to."""

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}
        self._pieces: list[_Piece] = []
        #: Names that the code assigns to, and names of containers that it may change in place.
        self._assigned: set[str] = set()
        self._mutated: set[str] = set()

    def all_of(self, values: Iterable[Any]) -> None:
        """Visit values, and what they refer to."""
        stack = list(values)
        while stack and len(self._seen) < MAX_VISITED:
            value = stack.pop()
            if isinstance(value, _PLAIN) or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            try:
                stack.extend(self._parts(value))
            except Exception:  # an object whose attributes cannot be read
                continue

    def digests(self) -> dict[str, set[str]]:
        """Return the digests of all code that was visited, by the name of the class or function."""
        digests = defaultdict(set)
        for piece in self._pieces:
            constants = [f"{name}={_text(value)}" for name, value in sorted(self._unchanging(piece))]
            digests[piece.name].add(_digest(piece.text, *constants))
        return dict(digests)

    def _unchanging(self, piece: _Piece) -> Iterator[tuple[str, Any]]:
        """Yield the constants that the code does not change while it runs: counters and logs are no code."""
        for name, value in piece.constants.items():
            is_mutable = not isinstance(value, (*_PLAIN, tuple, frozenset))
            *_, last = name.split(".")
            if last not in self._assigned and not (is_mutable and last in self._mutated):
                yield name, value

    def _parts(self, value: Any) -> Iterable[Any]:
        """Describe a value if it is code of the user, and return the values that it refers to."""
        if isinstance(value, type):
            return self._parts_of_class(value)
        if isinstance(value, FunctionType):
            return self._parts_of_function(value)
        if isinstance(value, MethodType):
            return value.__func__, value.__self__
        if isinstance(value, partial):
            return value.func, *value.args, *value.keywords.values()
        if isinstance(value, property):
            return value.fget, value.fset, value.fdel
        if isinstance(value, (staticmethod, classmethod)):
            return (value.__func__,)
        if isinstance(value, Mapping):
            return value.values()
        if isinstance(value, _CONTAINERS):
            return value
        return self._parts_of_object(value)

    def _parts_of_object(self, value: Any) -> Iterable[Any]:
        if isinstance(value, ModuleType) or hasattr(value, "__array__") or hasattr(value, "to_numpy"):
            return ()
        if type(value).__module__.startswith("scipy."):  # of its distributions, a user's own may be frozen
            return (getattr(value, "dist", None),)
        if hasattr(value, "get_params"):
            return type(value), *value.get_params(deep=False).values()
        slots = [getattr(value, name, None) for name in _slots(type(value))]
        wrapped = getattr(value, "__wrapped__", None)
        return type(value), wrapped, *slots, *getattr(value, "__dict__", {}).values()

    def _parts_of_class(self, cls: type) -> Iterable[Any]:
        if is_installed(cls.__module__):
            return ()
        attributes = {name: value for name, value in vars(cls).items() if name not in _IGNORED_ATTRIBUTES}
        bases = [base.__qualname__ for base in cls.__bases__]
        kinds = {f"kind of.{name}": type(value).__name__ for name, value in attributes.items()}
        self._pieces.append(_Piece(_short_name(cls), f"class {bases}", kinds | _constants(attributes)))
        return type(cls), *cls.__bases__, *attributes.values()

    def _parts_of_function(self, function: FunctionType) -> Iterable[Any]:
        cells = _cells(function)
        parts = [*cells.values(), function.__defaults__, function.__kwdefaults__, *vars(function).values()]
        module_name = function.__globals__.get("__name__")
        # Wrappers of installed packages, such as that of `set_output`, and functions that these generate.
        if module_name is None or is_installed(module_name):
            return parts
        facts = _code_facts(function.__code__)
        self._assigned |= facts.assigned
        self._mutated |= facts.mutated
        read = cells | _read_globals(function, facts)
        read |= {"defaults": function.__defaults__, "keyword defaults": function.__kwdefaults__}
        self._pieces.append(_Piece(_short_name(function), facts.text, _constants(read)))
        return [*parts, *read.values()]


def _cells(function: FunctionType) -> dict[str, Any]:
    """Return the variables that a function encloses, as far as they have a value."""
    cells = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            cells[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return cells


def _read_globals(function: FunctionType, facts: _CodeFacts) -> dict[str, Any]:
    """Return the global variables that a function reads, and what it reads of the user's modules."""
    found: dict[str, Any] = {}
    modules: list[ModuleType] = []
    for name in facts.read:
        if name in function.__globals__:
            value = function.__globals__[name]
            found[name] = value
            modules += [value] if isinstance(value, ModuleType) else []
    while modules:
        module = modules.pop()
        if is_installed(module.__name__):
            continue
        for name in facts.attributes & vars(module).keys():
            key, value = f"{module.__name__}.{name}", vars(module)[name]
            if isinstance(value, ModuleType) and key not in found:
                modules.append(value)
            found[key] = value
    return found


def _slots(cls: type) -> list[str]:
    names: list[str] = []
    for base in cls.__mro__:
        slots = vars(base).get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _short_name(thing: Any) -> str:
    """Return the name of a class, or of the class of a method, or of a function."""
    local = str(thing.__qualname__).rpartition("<locals>.")[2]
    return local.partition(".")[0]


def is_installed(module_name: str) -> bool:
    """Return whether a module belongs to an installed package, or to Python."""
    package = (module_name or "").partition(".")[0]
    if package in ("__main__", ""):
        return False
    return package in sys.stdlib_module_names or package in _KNOWN_PACKAGES or _lies_with_packages(package)


@cache
def _lies_with_packages(package: str) -> bool:
    module = sys.modules.get(package)
    file = getattr(module, "__file__", None)
    folders = [file] if file else list(getattr(module, "__path__", []))
    return any(not _INSTALLED_FOLDERS.isdisjoint(PurePath(folder).parts) for folder in folders)


# -- code ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _CodeFacts:
    """What the code of a function does, with the functions that it defines.

    Attributes
    ----------
    text : str
        Arguments and instructions.
    read : frozenset of str
        Global variables that it reads.
    attributes : frozenset of str
        Attributes that it reads.
    assigned : frozenset of str
        Variables and attributes that it assigns to.
    mutated : frozenset of str
        Variables and attributes that it reads, if it changes some container in place.
    """

    text: str
    read: frozenset[str]
    attributes: frozenset[str]
    assigned: frozenset[str]
    mutated: frozenset[str]


@lru_cache(maxsize=4096)
def _code_facts(code: CodeType) -> _CodeFacts:
    instructions = [each for part in _with_inner(code) for each in dis.get_instructions(part)]
    by_kind = defaultdict(set)
    for instruction in instructions:
        by_kind[instruction.opname].add(instruction.argval)
    read = by_kind["LOAD_GLOBAL"] | by_kind["LOAD_NAME"]
    attributes = by_kind["LOAD_ATTR"] | by_kind["LOAD_METHOD"]
    assigned = set().union(*map(_assigned, _with_inner(code)))
    mutates = by_kind.keys() & {"STORE_SUBSCR", "DELETE_SUBSCR", "STORE_SLICE"} or attributes & _MUTATORS
    mutated = read | attributes | by_kind["LOAD_DEREF"] if mutates else set()
    return _CodeFacts(_code_text(code), *map(frozenset, (read, attributes, assigned, mutated)))


def _assigned(code: CodeType) -> set[str]:
    """Return the variables and attributes that code assigns to, but not those that ``__init__`` gives an object."""
    assigned, loaded = set(), None
    for instruction in dis.get_instructions(code):
        is_own = code.co_name == "__init__" and loaded in code.co_varnames[:1]
        if instruction.opname in _ASSIGNMENTS and not is_own:
            assigned.add(instruction.argval)
        names = instruction.argval if instruction.opname.startswith("LOAD_FAST") else None
        # From Python 3.13, one instruction may load two variables.
        loaded = names[-1] if isinstance(names, tuple) else names
    return assigned


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those of the functions and classes that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


def _code_text(code: CodeType) -> str:
    """Return the arguments and instructions of code as a text, without positions and docstrings."""
    n_arguments = code.co_argcount + code.co_kwonlyargcount
    lines = [repr((code.co_varnames[:n_arguments], code.co_posonlyargcount, code.co_argcount))]
    # Flags of *args, **kwargs, generators and coroutines.
    lines.append(repr((code.co_flags & 0x2AC, code.co_exceptiontable)))
    for instruction in dis.get_instructions(code):
        if instruction.opname == "STORE_NAME" and instruction.argval in _STORED_BY_CLASS_BODY:
            lines.pop()  # the value that is stored
            continue
        is_constant = instruction.opcode in dis.hasconst
        argument = _text(instruction.argval) if is_constant else instruction.argrepr
        lines.append(f"{instruction.opname} {argument}")
    return "\n".join(lines)


def _constants(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a text describes: constants, and the attributes of objects that are constants."""
    constants = {}
    for name, value in values.items():
        if _is_constant(value):
            constants[name] = value
        elif not isinstance(value, type) and not is_installed(type(value).__module__):
            attributes = getattr(value, "__dict__", {})
            constants |= {f"{name}.{key}": item for key, item in attributes.items() if _is_constant(item)}
    return constants


def _is_constant(value: Any, depth: int = 0) -> bool:
    """Return whether a value consists of plain values only, so that its text describes it."""
    if isinstance(value, (*_PLAIN, np.generic)):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype != object and value.size <= MAX_VISITED
    if type(value) in _CONTAINERS:
        is_small = len(value) <= MAX_VISITED and depth < MAX_DEPTH
        return is_small and all(_is_constant(item, depth + 1) for item in value)
    if type(value) is dict:
        return _is_constant(list(value.items()), depth)
    return False


def _text(value: Any) -> str:
    """Return a text of a constant, which is the same in every process."""
    if isinstance(value, CodeType):
        return _code_text(value)
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__}{sorted(map(_text, value))}"
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__}{list(map(_text, value))}"
    if isinstance(value, dict):
        return f"dict{sorted(_text(item) for item in value.items())}"
    if isinstance(value, np.ndarray):
        return f"array {value.dtype} {value.shape} {_digest(value.tobytes().hex())}"
    if isinstance(value, int) and value.bit_length() > 10_000:  # Python limits the digits that repr writes
        return hex(value)
    return repr(value)


def _digest(*texts: str) -> str:
    return hashlib.sha1("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:10]
