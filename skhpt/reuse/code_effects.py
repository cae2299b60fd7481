"""Effects of a user's function beside its result, as far as its code shows them.

Fits are shared among candidates out of scikit-learn's order, so that a function that keeps state, such as a
counter or a log, would return other scores. The bytecode of a function shows everything that it can reach:
its arguments, constants, global variables, enclosed variables, and what these refer to. If all of it is known
to be without effects, the function has none. Anything else, such as an unknown method or an instruction of a
newer Python, counts as an effect.
"""

from __future__ import annotations

import builtins
import collections
import dis
import functools
import inspect
import math
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from sklearn.base import clone, is_classifier, is_regressor

from skhpt._mlflow import without_autologging
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

    def read_value(self, value: Any, n_arguments: float = math.inf) -> None:
        """Read a value that the code can reach, and that it may call with so many positional arguments."""
        if is_harmless(value):
            self.effects.writes |= n_arguments > _n_read_arguments(value)
            return
        if id(value) in self._read:
            return
        self._read[id(value)] = value
        kind = type(value)
        if kind is str:
            self._read_constant(value)
        elif value is None or kind in _IMMUTABLE or isinstance(value, np.generic):
            return
        elif kind is FunctionType:
            self._read_function(value)
        elif kind is functools.partial:
            self._read_all([value.func, *value.args, *value.keywords, *value.keywords.values()])
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
        instructions = list(dis.get_instructions(code))
        context = _Context(
            function.__globals__,
            function.__code__.co_freevars,
            iter(instructions),
            _calls(instructions),
            _sums(instructions, code),
        )
        for instruction in context.following:
            self._read_instruction(instruction, context)

    def _read_constant(self, constant: Any) -> None:
        """Read a constant: strings may name attributes for `getattr`, or arguments of a call."""
        for text in constant if isinstance(constant, tuple) else (constant,):
            if isinstance(text, str):
                self.effects.has_unknown |= text.startswith("__") and text.endswith("__")
                self.effects.writes |= text in _WRITING_ARGUMENTS

    def _read_instruction(self, instruction: dis.Instruction, context: _Context) -> None:
        name, argument = instruction.opname, instruction.argval
        if name == "LOAD_GLOBAL":
            self._read_global(instruction, context)
        elif name == "IMPORT_NAME":
            self._read_import(argument, context)
        elif name in _LOADS_OF_ATTRIBUTES:
            self._read_attribute(argument, context.calls.get(instruction.offset))
        elif name in ("STORE_SUBSCR", "STORE_SLICE", "DELETE_SUBSCR"):
            self.effects.writes = True
        elif name in ("STORE_DEREF", "DELETE_DEREF"):
            self.effects.has_unknown |= argument in context.enclosed
        elif name == "BINARY_OP" and instruction.argrepr.endswith("="):
            self.effects.writes |= instruction.offset not in context.sums
        else:
            self.effects.has_unknown |= name not in _HARMLESS_INSTRUCTIONS

    def _read_global(self, instruction: dis.Instruction, context: _Context) -> None:
        """Read a global variable, or what follows the dots after a module."""
        name = instruction.argval
        value = context.global_variables.get(name, vars(builtins).get(name, _MISSING))
        while type(value) is ModuleType:
            following = next(context.following, None)
            if following is None or following.is_jump_target or following.opname not in _LOADS_OF_ATTRIBUTES:
                value = _MISSING
            else:
                value, instruction = getattr(value, following.argval, _MISSING), following
        self.read_value(value, context.calls.get(instruction.offset, math.inf))

    def _read_import(self, module: str, context: _Context) -> None:
        """Read ``from module import name, ...``; other imports have unknown effects."""
        instruction = next(context.following, None)
        if instruction is None or instruction.opname != "IMPORT_FROM":
            self.effects.has_unknown = True
        while instruction is not None and instruction.opname != "POP_TOP":
            if instruction.opname == "IMPORT_FROM":
                self.read_value(getattr(sys.modules.get(module), instruction.argval, _MISSING))
            else:
                self._read_instruction(instruction, context)
            instruction = next(context.following, None)

    def _read_attribute(self, name: str, n_arguments: int | None) -> None:
        """Read an attribute; `n_arguments` is the number of arguments if it is called."""
        if name in _WRITING_METHODS:
            self.effects.writes = True
        elif name in _READING_ATTRIBUTES:
            most = _READ_ARGUMENTS_OF_METHODS.get(name, math.inf)
            self.effects.writes |= (math.inf if n_arguments is None else n_arguments) > most < math.inf
        else:
            is_fitted_attribute = name.endswith("_") and not name.startswith("_")
            is_data = n_arguments is None and (is_fitted_attribute or name in self._attributes)
            self.effects.has_unknown |= not is_data


class _Context(NamedTuple):
    """What is known of the code that is read.

    Attributes
    ----------
    global_variables : dict
        Global variables by their names.
    enclosed : tuple of str
        Names of the variables that the function encloses.
    following : iterator of Instruction
        Instructions that are not read yet.
    calls : dict of int to int
        See `_calls`.
    sums : set of int
        See `_sums`.
    """

    global_variables: dict[str, Any]
    enclosed: tuple[str, ...]
    following: Iterator[dis.Instruction]
    calls: dict[int, int]
    sums: set[int]


def _calls(instructions: list[dis.Instruction]) -> dict[int, int]:
    """Return the numbers of arguments of calls, by the offset of the instruction that loads what is called.

    Calls whose arguments contain jumps, and those with ``*args`` or ``**kwargs``, are not found.
    """
    calls = {}
    for index, instruction in enumerate(instructions):
        if instruction.opname in ("CALL", "CALL_KW"):
            called = _called(instructions, index)
            if called is not None:
                calls[called.offset] = instruction.argval
    return calls


def _called(instructions: list[dis.Instruction], index: int) -> dis.Instruction | None:
    """Return the instruction that loads what a call calls, which lies below the arguments on the stack."""
    height = -1 - _stack_effect(instructions[index])  # of the arguments
    for instruction in instructions[:index][::-1]:
        if instruction.opname == "PRECALL":
            height -= _stack_effect(instruction)
        elif height <= 0 and instruction.opname != "PUSH_NULL":
            return instruction
        elif instruction.opcode in _JUMPS or instruction.is_jump_target:
            return None
        else:
            height -= _stack_effect(instruction)
    return None


def _stack_effect(instruction: dis.Instruction) -> int:
    has_argument = instruction.opcode >= dis.HAVE_ARGUMENT
    return dis.stack_effect(instruction.opcode, instruction.arg if has_argument else None)


def _sums(instructions: list[dis.Instruction], code: CodeType) -> set[int]:
    """Return the offsets of in-place operations on local variables that start as constants.

    Such a variable never is the name of data from outside, as in ``total = 0; total += costs[i]``.
    """
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    in_place: dict[str, set[int]] = collections.defaultdict(set)
    others = set(arguments)
    for before, store in pairwise(instructions):
        if "STORE_FAST" in store.opname:
            is_plain = store.opname == "STORE_FAST" and not store.is_jump_target
            if is_plain and before.opname == "BINARY_OP" and before.argrepr.endswith("="):
                in_place[store.argval].add(before.offset)
            elif not is_plain or before.opname not in ("LOAD_CONST", "LOAD_SMALL_INT"):
                others |= set(store.argval) if isinstance(store.argval, tuple) else {store.argval}
    return {offset for name in in_place.keys() - others for offset in in_place[name]}


# -- functions without effects -------------------------------------------------------------------------------


def _names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def is_harmless(value: Any) -> bool:
    """Return whether a value is a function or class that is known to have no effects beside its result."""
    if _HARMLESS.get(id(value)) is value:
        return True
    value = without_autologging(value)
    try:
        name = value.__name__
    except Exception:
        return False
    if not isinstance(name, str) or name in _EXCEPTIONS or _package_of_code(value) not in _PACKAGES:
        return False
    if name in _PANDAS and getattr(sys.modules.get("pandas"), name, None) is value:
        return True
    modules = _MODULES + (_MODULES_WITH_CLASSES if isinstance(value, type) else ())
    found = (getattr(sys.modules.get(module), name, None) for module in modules)
    return any(without_autologging(other) is value for other in found)


def _package_of_code(value: Any) -> str:
    """Return the package whose code runs when a function or class is called: others may have patched a module."""
    if type(value) is FunctionType:
        module = value.__globals__.get("__name__", "")
    else:
        module = (value if isinstance(value, type) else type(value)).__module__
    return str(module).partition(".")[0]


@functools.cache
def _n_read_arguments(function: Any) -> float:
    """Return the number of positional arguments that a harmless function only reads; it may write to the next one."""
    if isinstance(function, np.ufunc):
        return function.nin
    if isinstance(function, type) or getattr(function, "__module__", "") in ("math", "builtins"):
        return math.inf
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return 1  # nothing is known
    for position, parameter in enumerate(parameters):
        if parameter.name in _WRITING_ARGUMENTS and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            return position
    return math.inf


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
#: Packages of these modules, and of the classes of their functions.
_PACKAGES = ("builtins", "imblearn", "math", "numpy", "pandas", "scipy", "sklearn")
#: Functions of these modules that write to an argument or a file, change settings, or call unknown code.
_EXCEPTIONS = _names(
    """copyto put place putmask fill_diagonal put_along_axis save savez savez_compressed savetxt load loadtxt
    fromfile memmap genfromtxt seterr seterrcall setbufsize set_printoptions set_string_function frompyfunc
    vectorize nditer DataSource set_numeric_ops silhouette_score"""
)
_BUILTIN_NAMES = _names(
    """abs all any bool bytes callable complex dict divmod enumerate filter float format frozenset hasattr int
    isinstance issubclass iter len list map max min next pow range repr reversed round set slice sorted str sum
    tuple type zip"""
)
_STATISTICS = _names("entropy gmean hmean iqr kendalltau pearsonr rankdata spearmanr wasserstein_distance")


#: Classes and functions of pandas, which is not imported for them.
_PANDAS = _names("Categorical DataFrame Series concat crosstab cut isna notna qcut unique")


def _harmless_values() -> Iterator[Any]:
    yield from (getattr(builtins, name) for name in _BUILTIN_NAMES)
    yield from (getattr(stats, name) for name in _STATISTICS)
    yield from (collections.Counter, functools.reduce, is_classifier, is_regressor, clone)
    for value in vars(builtins).values():
        if isinstance(value, type) and issubclass(value, BaseException):
            yield value


_MISSING = object()
_HARMLESS = {id(value): value for value in _harmless_values()}
_IMMUTABLE = (bool, int, float, complex, str, bytes, type(...))
_LOADS_OF_LOCALS = ("LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK")
_LOADS_OF_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))
#: Instructions that only compute with what others have loaded. All that are not listed count as effects.
_HARMLESS_INSTRUCTIONS = _names(
    """CACHE EXTENDED_ARG NOP RESUME NOT_TAKEN COPY_FREE_VARS MAKE_CELL COPY SWAP PUSH_NULL POP_TOP POP_ITER
    LOAD_CONST LOAD_SMALL_INT LOAD_COMMON_CONSTANT LOAD_ASSERTION_ERROR LOAD_CLOSURE LOAD_DEREF
    LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_AND_CLEAR LOAD_FAST_LOAD_FAST LOAD_FAST_BORROW
    LOAD_FAST_BORROW_LOAD_FAST_BORROW STORE_FAST STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST DELETE_FAST
    BINARY_OP BINARY_SUBSCR BINARY_SLICE UNARY_INVERT UNARY_NEGATIVE UNARY_NOT UNARY_POSITIVE TO_BOOL
    COMPARE_OP CONTAINS_OP IS_OP GET_LEN MATCH_MAPPING MATCH_SEQUENCE MATCH_KEYS UNPACK_SEQUENCE UNPACK_EX
    BUILD_CONST_KEY_MAP BUILD_LIST BUILD_MAP BUILD_SET BUILD_SLICE BUILD_STRING BUILD_TUPLE LIST_APPEND
    LIST_EXTEND LIST_TO_TUPLE SET_ADD SET_UPDATE MAP_ADD DICT_MERGE DICT_UPDATE
    FORMAT_VALUE FORMAT_SIMPLE FORMAT_WITH_SPEC CONVERT_VALUE
    PRECALL KW_NAMES CALL CALL_KW CALL_FUNCTION_EX CALL_INTRINSIC_1 MAKE_FUNCTION SET_FUNCTION_ATTRIBUTE
    RETURN_VALUE RETURN_CONST RETURN_GENERATOR YIELD_VALUE SEND END_SEND GET_YIELD_FROM_ITER
    GET_ITER FOR_ITER END_FOR JUMP_FORWARD JUMP_BACKWARD JUMP_BACKWARD_NO_INTERRUPT
    JUMP_IF_FALSE_OR_POP JUMP_IF_TRUE_OR_POP POP_JUMP_IF_FALSE POP_JUMP_IF_TRUE POP_JUMP_IF_NONE
    POP_JUMP_IF_NOT_NONE POP_JUMP_FORWARD_IF_FALSE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_NONE
    POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_TRUE
    POP_JUMP_BACKWARD_IF_NONE POP_JUMP_BACKWARD_IF_NOT_NONE
    RAISE_VARARGS RERAISE PUSH_EXC_INFO POP_EXCEPT CHECK_EXC_MATCH CLEANUP_THROW
    BEFORE_WITH LOAD_SPECIAL WITH_EXCEPT_START"""
)
#: Arguments with which functions of numpy and pandas write to their input.
_WRITING_ARGUMENTS = _names("out inplace copy overwrite_input overwrite_a overwrite_b")
#: Methods of containers and arrays that write to them, but to nothing else.
_WRITING_METHODS = _names(
    """append extend insert remove pop popleft appendleft clear update setdefault add discard sort reverse fill
    put itemset partition resize setflags sum_duplicates sort_indices eliminate_zeros"""
)
#: Numbers of positional arguments that methods of arrays only read; they write to the next one.
_READ_ARGUMENTS_OF_METHODS = {
    **dict.fromkeys(("all", "any", "argmax", "argmin", "dot", "max", "min", "round"), 1),
    **dict.fromkeys(("clip", "cumprod", "cumsum", "mean", "prod", "std", "sum", "take", "var"), 2),
    "trace": 4,
}
_OF_DATA = _names(
    """shape size ndim dtype T mean sum std var min max argmin argmax argsort ravel flatten reshape astype copy
    round clip any all cumsum cumprod dot tolist item nonzero squeeze transpose repeat take diagonal trace prod
    searchsorted real imag values to_numpy iloc loc columns isin isna isnull notna unique nunique value_counts
    abs median quantile rank corr eq ne lt le gt ge sub mul div toarray todense tocsr nnz getnnz head tail empty
    name idxmax idxmin fillna statistic pvalue get items keys count index startswith endswith lower upper strip
    split join format groupby agg sort_values reset_index diff shift __name__"""
)
_OF_ESTIMATORS = _names(
    """predict predict_proba predict_log_proba decision_function score score_samples transform get_params
    get_feature_names_out inverse_transform apply decision_path steps named_steps kneighbors get_depth
    get_n_leaves get_support node_count max_depth n_leaves feature threshold"""
)
#: Attributes and methods of data and of estimators that write to nothing.
_READING_ATTRIBUTES = _OF_DATA | _OF_ESTIMATORS
