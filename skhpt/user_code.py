"""Code of the user: digests of the classes and functions that a search depends on.

Installed packages are described by their versions. All other code may change from one run to the next: scripts,
notebooks, local packages. It is described by its instructions and by the constants that it reads.
"""

from __future__ import annotations

import dis
import hashlib
import re
import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache, partial
from pathlib import PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID

import joblib
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
#: Methods that change a list, dict, set or model in place.
_MUTATORS = {
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "appendleft", "popleft"),
    *("add", "discard", "update", "setdefault", "popitem", "__setitem__", "fill"),
    *("fit", "fit_transform", "fit_predict", "partial_fit", "set_params"),
}
_ASSIGNMENTS = {
    *("STORE_GLOBAL", "STORE_ATTR", "STORE_DEREF"),
    *("DELETE_GLOBAL", "DELETE_ATTR", "DELETE_DEREF"),
}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), range)
#: Values whose text describes them.
_VALUES = (PurePath, date, time, timedelta, Decimal, Fraction, UUID)
_FUNCTIONS = (FunctionType, BuiltinFunctionType, np.ufunc)
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
    """A class or function of the user, before it is known which variables the code changes."""

    name: str
    text: str
    variables: dict[str, Any]


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
            constants = _Texts(self._assigned, self._mutated).of_variables(piece.variables)
            digests[piece.name].add(_digest(piece.text, *constants))
        return dict(digests)

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
        self._pieces.append(_Piece(_short_name(cls), f"class {bases}", kinds | attributes))
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
        self._pieces.append(_Piece(_short_name(function), facts.text, read))
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
        argument = _Texts().of(instruction.argval) if is_constant else instruction.argrepr
        lines.append(f"{instruction.opname} {argument}")
    return "\n".join(lines)


class _Texts:
    """Texts of the values that code reads, which are the same in every process.

    Parameters
    ----------
    assigned : set of str
        Names that the code assigns to.
    mutated : set of str
        Names of containers and models that the code may change in place.
    """

    def __init__(self, assigned: Set[str] = frozenset(), mutated: Set[str] = frozenset()):
        self._assigned = assigned
        self._mutated = mutated
        self._n_left = MAX_VISITED

    def of_variables(self, values: Mapping[str, Any], depth: int = 0) -> list[str]:
        """Describe variables or attributes, except those that the code changes: counters and logs are no code."""
        unchanging = {name: value for name, value in values.items() if not self._is_changed(name, value)}
        return sorted(f"{name}={self.of(value, depth)}" for name, value in unchanging.items())

    def _is_changed(self, name: str, value: Any) -> bool:
        is_mutable = not isinstance(value, (*_PLAIN, tuple, frozenset))
        *_, last = name.split(".")
        return last in self._assigned or (is_mutable and last in self._mutated)

    def of(self, value: Any, depth: int = 0) -> str:
        """Describe a value by its content, as far as that is known to be the same in every process."""
        kind = type(value).__name__
        self._n_left -= 1
        if depth > MAX_DEPTH or self._n_left < 0:
            return kind
        if isinstance(value, CodeType):
            return _code_text(value)
        if isinstance(value, (set, frozenset)):
            return f"{kind}{sorted(self.of(item, depth + 1) for item in value)}"
        if isinstance(value, (tuple, list, deque)):
            return f"{kind}{[self.of(item, depth + 1) for item in value]}"
        if isinstance(value, Mapping):
            return f"{kind}{sorted(self.of(item, depth + 1) for item in value.items())}"
        if isinstance(value, (*_PLAIN, np.generic)):
            return _number_text(value)
        if isinstance(value, np.ndarray) and value.dtype != object:
            is_small = value.size <= MAX_VISITED
            return f"array {value.dtype} {value.shape} {_digest(value.tobytes().hex()) if is_small else ''}"
        return self._of_object(value, depth)

    def _of_object(self, value: Any, depth: int) -> str:
        module, kind = type(value).__module__, type(value).__name__
        if isinstance(value, (type, *_FUNCTIONS)):  # those of the user have digests of their own
            is_named = is_installed(str(getattr(value, "__module__", "")))
            return f"{value.__module__}.{value.__name__}" if is_named else kind
        if isinstance(value, _VALUES):
            return f"{kind} {value}"
        if isinstance(value, re.Pattern):
            return f"{kind} {value.pattern!r} {value.flags}"
        if isinstance(value, SimpleNamespace) or not is_installed(module):
            return f"{kind}{self.of_variables(getattr(value, '__dict__', {}), depth + 1)}"
        if hasattr(value, "to_numpy") or (module.startswith("sklearn.") and hasattr(value, "get_params")):
            return f"{kind} {_pickle_digest(value)}"
        return kind


def _number_text(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 10_000:  # Python limits the digits that repr writes
        return hex(value)
    return repr(value)


def _pickle_digest(value: Any) -> str:
    """Return the digest of a table or a model; empty if it cannot be pickled."""
    try:
        return str(joblib.hash(value))
    except Exception:
        return ""


def _digest(*texts: str) -> str:
    return hashlib.sha1("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:10]
