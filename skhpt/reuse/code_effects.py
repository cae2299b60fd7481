"""Effects of a user's function beside its result, as far as its code shows them.

Fits are shared among candidates out of scikit-learn's order, so that a function that keeps state, such as a
counter or a log, would return other scores. The bytecode of a function shows everything that it can reach:
its arguments, constants, global variables, enclosed variables, and what these refer to. If all of it is known
to be without effects, the function has none. Anything else, such as an unknown method, counts as an effect.
"""

from __future__ import annotations

import builtins
import collections
import dis
import functools
import inspect
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import clone, is_classifier, is_regressor

from skhpt.fitting.scorers import scorer_metric


@dataclass
class Effects:
    """Effects of a function.

    Attributes
    ----------
    has_unknown : bool
        Whether it may do anything else than compute with its arguments and with what follows from them.
    writes : bool
        Whether it may write to items of its arguments, or of data that it reads from outside.
    reads_outside : bool
        Whether it reads containers from outside, such as a global array.
    """

    has_unknown: bool = False
    writes: bool = False
    reads_outside: bool = False

    @property
    def has_state(self) -> bool:
        """Whether a call may affect the result of a later call, or anything else outside its arguments."""
        return self.has_unknown or (self.writes and self.reads_outside)


def effects_of(function: Any, attributes: Collection[str] = ()) -> Effects:
    """Return the effects of a function.

    Parameters
    ----------
    function : callable
        The function. Callable objects and methods other than functions have unknown effects.
    attributes : collection of str, default=()
        Names of further attributes that may be read, such as the parameters of an estimator.

    Examples
    --------
    >>> from skhpt.reuse.code_effects import effects_of
    >>> calls = []
    >>> effects_of(lambda y_true, y_pred: abs(y_true - y_pred).max()).has_state
    False
    >>> effects_of(lambda y_true, y_pred: calls.append(1)).has_state
    True
    """
    reader = _Reader(frozenset(attributes))
    reader.read_value(function)
    return reader.effects


def asks_first_argument_only_for(function: Any, names: Collection[str]) -> bool:
    """Return whether a function does nothing with its first argument but load some of its attributes.

    Parameters
    ----------
    function : callable
        The function.
    names : collection of str
        Names of the attributes.
    """
    if type(function) is not FunctionType or function.__code__.co_argcount == 0:
        return False
    argument = function.__code__.co_varnames[0]
    if argument in function.__code__.co_cellvars:
        return False
    instructions = list(dis.get_instructions(function))
    for instruction, following in zip(instructions, [*instructions[1:], None], strict=True):
        if not _mentions(instruction, argument):
            continue
        is_load = instruction.opname in _LOADS_OF_LOCALS and instruction.argval == argument
        if not is_load or following is None or following.opname not in _LOADS_OF_ATTRIBUTES:
            return False
        if following.argval not in names:
            return False
    return True


def _mentions(instruction: dis.Instruction, name: str) -> bool:
    """Return whether an instruction loads or stores a local variable."""
    if "FAST" not in instruction.opname:
        return False
    value = instruction.argval
    return name in value if isinstance(value, tuple) else bool(value == name)


class _Reader:
    """Reader of the code of a function and of all functions that it calls.

    Parameters
    ----------
    attributes : frozenset of str
        Names of further attributes that may be read.
    """

    def __init__(self, attributes: frozenset[str]):
        self.effects = Effects()
        self._attributes = attributes
        self._read: dict[int, Any] = {}  # values by their ids; the references keep the ids in use

    # -- values ----------------------------------------------------------------------------------------------

    def read_value(self, value: Any) -> None:
        """Read a value that the code can reach."""
        if id(value) in self._read:
            return
        self._read[id(value)] = value
        kind = type(value)
        if value is None or kind in _IMMUTABLE or isinstance(value, np.generic) or is_harmless(value):
            return
        if kind is FunctionType:
            self._read_function(value)
        elif kind is functools.partial:
            self._read_all([value.func, value.args, value.keywords])
        elif kind in (tuple, frozenset):
            self._read_all(value)
        elif kind in (list, set, dict, np.ndarray):
            self.effects.reads_outside = True
            self._read_container(value)
        elif (metric := scorer_metric(value)) is not None:
            self._read_all([metric.function, *metric.params.values()])
        else:
            self.effects.has_unknown = True

    def _read_all(self, values: Any) -> None:
        for value in values:
            self.read_value(value)

    def _read_container(self, container: Any) -> None:
        if isinstance(container, np.ndarray):
            self.effects.has_unknown |= container.dtype.hasobject
        elif isinstance(container, dict):
            self._read_all(container)
            self._read_all(container.values())
        else:
            self._read_all(container)

    def _read_function(self, function: FunctionType) -> None:
        has_attributes = bool(vars(function).keys() - {"__wrapped__"})
        is_asynchronous = function.__code__.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR)
        self.effects.has_unknown |= has_attributes or bool(is_asynchronous)
        self._read_all(function.__defaults__ or ())
        self._read_all((function.__kwdefaults__ or {}).values())
        for cell in function.__closure__ or ():
            try:
                self.read_value(cell.cell_contents)
            except ValueError:  # nothing is assigned to it yet
                self.effects.has_unknown = True
        self._read_code(function.__code__, function)

    # -- code ------------------------------------------------------------------------------------------------

    def _read_code(self, code: CodeType, function: FunctionType) -> None:
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._read_code(constant, function)
            else:
                self._read_constant(constant)
        instructions = iter(list(dis.get_instructions(code)))
        for instruction in instructions:
            self._read_instruction(instruction, instructions, function)

    def _read_constant(self, constant: Any) -> None:
        """Read a constant: strings may name attributes for `getattr`, or arguments of a call."""
        for text in constant if isinstance(constant, tuple) else (constant,):
            if isinstance(text, str):
                self.effects.has_unknown |= text.startswith("__") and text.endswith("__")
                self.effects.writes |= text in _WRITING_ARGUMENTS

    def _read_instruction(
        self, instruction: dis.Instruction, following: Iterator[dis.Instruction], function: FunctionType
    ) -> None:
        name, argument = instruction.opname, instruction.argval
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            self._read_global(argument, following, function)
        elif name == "IMPORT_NAME":
            self._read_import(argument, following, function)
        elif name in _LOADS_OF_ATTRIBUTES:
            self._read_attribute(argument)
        elif name in ("STORE_SUBSCR", "STORE_SLICE", "DELETE_SUBSCR"):
            self.effects.writes = True
        elif name in ("STORE_DEREF", "DELETE_DEREF"):
            self.effects.has_unknown |= argument in function.__code__.co_freevars
        elif name == "BINARY_OP" and instruction.argrepr.endswith("="):
            self.effects.writes = True
        elif name.startswith(("STORE_", "DELETE_")):
            self.effects.has_unknown |= not name.startswith(("STORE_FAST", "DELETE_FAST"))
        elif name in _OTHER_EFFECTS:
            self.effects.has_unknown = True

    def _read_global(self, name: str, following: Iterator[dis.Instruction], function: FunctionType) -> None:
        value = function.__globals__.get(name, vars(builtins).get(name, _MISSING))
        while type(value) is ModuleType:
            attribute = next(following, None)
            if attribute is None or attribute.opname not in _LOADS_OF_ATTRIBUTES:
                value = _MISSING
            else:
                value = getattr(value, attribute.argval, _MISSING)
        self.read_value(value)

    def _read_import(self, module: str, following: Iterator[dis.Instruction], function: FunctionType) -> None:
        """Read ``from module import name, ...``; other imports have unknown effects."""
        instruction = next(following, None)
        if instruction is None or instruction.opname != "IMPORT_FROM":
            self.effects.has_unknown = True
        while instruction is not None and instruction.opname != "POP_TOP":
            if instruction.opname == "IMPORT_FROM":
                self.read_value(getattr(sys.modules.get(module), instruction.argval, _MISSING))
            else:
                self._read_instruction(instruction, following, function)
            instruction = next(following, None)

    def _read_attribute(self, name: str) -> None:
        if name in _WRITING_METHODS:
            self.effects.writes = True
            return
        is_fitted_attribute = name.endswith("_") and not name.startswith("_")
        is_known = is_fitted_attribute or name in _READING_ATTRIBUTES or name in self._attributes
        self.effects.has_unknown |= not is_known


# -- functions without effects -------------------------------------------------------------------------------


def _names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def is_harmless(value: Any) -> bool:
    """Return whether a value is a function or class that is known to have no effects beside its result."""
    if _HARMLESS.get(id(value)) is value:
        return True
    try:
        name = value.__name__
    except Exception:
        return False
    if not isinstance(name, str) or name in _EXCEPTIONS:
        return False
    modules = _MODULES + (_MODULES_WITH_CLASSES if isinstance(value, type) else ())
    return any(getattr(sys.modules.get(module), name, None) is value for module in modules)


#: Modules whose public functions and classes have no effects, but for `_EXCEPTIONS`.
_MODULES = ("math", "numpy", "numpy.linalg", "scipy.special", "sklearn.metrics", "imblearn.metrics")
#: Modules whose public classes have no effects until they are fitted. They occur in tests of a model's class.
_MODULES_WITH_CLASSES = (
    "sklearn.base",
    "sklearn.cluster",
    "sklearn.compose",
    "sklearn.decomposition",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.naive_bayes",
    "sklearn.neighbors",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.svm",
    "sklearn.tree",
)
#: Functions of these modules that write to an argument or a file, change settings, or call unknown code.
_EXCEPTIONS = _names(
    """copyto put place putmask fill_diagonal put_along_axis save savez savez_compressed savetxt load loadtxt
    fromfile memmap genfromtxt seterr seterrcall setbufsize set_printoptions set_string_function frompyfunc
    vectorize nditer DataSource silhouette_score"""
)
_BUILTIN_NAMES = _names(
    """abs all any bool bytes callable complex dict divmod enumerate filter float format frozenset hasattr int
    isinstance issubclass iter len list map max min next pow range repr reversed round set slice sorted str sum
    tuple type zip"""
)
_STATISTICS = _names("entropy gmean hmean iqr kendalltau pearsonr rankdata spearmanr wasserstein_distance")


def _harmless_values() -> Iterator[Any]:
    yield from (getattr(builtins, name) for name in _BUILTIN_NAMES)
    yield from (getattr(stats, name) for name in _STATISTICS)
    yield from (collections.Counter, functools.reduce, is_classifier, is_regressor, clone)
    for value in vars(builtins).values():
        if isinstance(value, type) and issubclass(value, Exception):
            yield value


_MISSING = object()
_HARMLESS = {id(value): value for value in _harmless_values()}
_IMMUTABLE = (bool, int, float, complex, str, bytes, type(...))
_LOADS_OF_LOCALS = ("LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK")
_LOADS_OF_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_OTHER_EFFECTS = ("LOAD_BUILD_CLASS", "IMPORT_STAR", "IMPORT_FROM", "LOAD_SUPER_ATTR", "LOAD_LOCALS")
#: Arguments with which functions of numpy and pandas write to their input.
_WRITING_ARGUMENTS = _names("out inplace copy overwrite_input overwrite_a overwrite_b")
#: Methods of containers and arrays that write to them, but to nothing else.
_WRITING_METHODS = _names(
    """append extend insert remove pop popleft appendleft clear update setdefault add discard sort reverse fill
    put itemset partition resize setflags sum_duplicates sort_indices eliminate_zeros"""
)
_OF_DATA = _names(
    """shape size ndim dtype T mean sum std var min max argmin argmax argsort ravel flatten reshape astype copy
    round clip any all cumsum cumprod dot tolist item nonzero squeeze transpose repeat take diagonal trace prod
    searchsorted real imag values to_numpy iloc loc columns isin isna isnull notna unique nunique value_counts
    abs median quantile rank corr eq ne lt le gt ge sub mul div toarray todense tocsr nnz getnnz head tail empty
    name idxmax idxmin fillna statistic pvalue get items keys count index startswith endswith lower upper strip
    split join format __name__"""
)
_OF_ESTIMATORS = _names(
    """predict predict_proba predict_log_proba decision_function score score_samples transform get_params
    get_feature_names_out inverse_transform apply decision_path steps named_steps kneighbors get_depth
    get_n_leaves get_support node_count max_depth n_leaves feature threshold"""
)
#: Attributes and methods of data and of estimators that write to nothing.
_READING_ATTRIBUTES = _OF_DATA | _OF_ESTIMATORS
