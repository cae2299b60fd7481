"""Python code that builds an estimator."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeAlias

import numpy as np

#: Longest line of the code.
WIDTH = 88
#: Largest array that is written out.
MAX_ARRAY = 100


@dataclass(frozen=True)
class Call:
    """A call, or a list, tuple or dict: what it begins and ends with, and its items with their prefixes."""

    begin: str
    items: Sequence[tuple[str, Expression]]
    end: str


Expression: TypeAlias = str | Call


def code_of(estimator: Any) -> str:
    """Return Python code that builds an estimator: imports, and one expression.

    Objects that no expression can build, such as a lambda, have names, and comments say what they are.
    """
    writer = _Writer()
    body = layout(writer.expression("estimator", estimator), prefix="estimator = ")
    return "\n".join([*sorted(writer.imports), *writer.comments, "", body]).lstrip("\n")


def call_of(params: dict[str, Any], function: str = "estimator.set_params") -> str:
    """Return Python code that calls a function with parameters as keywords."""
    writer = _Writer()
    body = layout(writer.keywords(function, params))
    return "\n".join([*sorted(writer.imports), *writer.comments, body])


def changed_params(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an estimator that differ from the defaults of its constructor."""
    defaults = inspect.signature(type(estimator)).parameters
    changed = {}
    for name, value in estimator.get_params(deep=False).items():
        if name not in defaults or not _is_same(value, defaults[name].default):
            changed[name] = value
    return changed


def layout(expression: Expression, prefix: str = "", indent: int = 0) -> str:
    """Return an expression as code: on one line if it fits, else with one item on each line."""
    margin = " " * indent
    line = prefix + one_line(expression)
    if isinstance(expression, str) or not expression.items or indent + len(line) <= WIDTH:
        return margin + line
    lines = [f"{margin}{prefix}{expression.begin}"]
    lines += [layout(item, name, indent + 4) + "," for name, item in expression.items]
    return "\n".join([*lines, margin + expression.end])


def one_line(expression: Expression) -> str:
    """Return an expression on one line."""
    if isinstance(expression, str):
        return expression
    items = ", ".join(name + one_line(item) for name, item in expression.items)
    comma = "," if expression.begin == "(" and len(expression.items) == 1 else ""
    return f"{expression.begin}{items}{comma}{expression.end}"


@dataclass
class _Writer:
    """Writes expressions, and remembers the imports and comments that they need."""

    imports: set[str] = field(default_factory=set)
    comments: list[str] = field(default_factory=list)

    def expression(self, name: str, value: Any) -> Expression:
        """Return the expression of a value; `name` is that of its parameter."""
        for accepts, write in self._kinds():
            if accepts(value):
                return write(name, value)
        return self._unknown(name, value)

    def keywords(self, function: str, params: dict[str, Any]) -> Call:
        """Return a call with keywords; names that are none, such as "0__C", are in a dict."""
        items = [(key, self.expression(key, value)) for key, value in params.items()]
        if all(key.isidentifier() and not iskeyword(key) for key in params):
            return Call(f"{function}(", [(f"{key}=", item) for key, item in items], ")")
        return Call(f"{function}(**{{", [(f"{quoted(key)}: ", item) for key, item in items], "})")

    def _kinds(self) -> list[tuple[Callable[[Any], bool], Callable[[str, Any], Expression]]]:
        return [
            (lambda value: isinstance(value, np.generic), self._scalar),
            (lambda value: isinstance(value, float), self._float),
            (lambda value: type(value) is str, self._text),
            (lambda value: value is None or type(value) in (bool, int, bytes, complex), self._plain),
            (lambda value: type(value) in (list, tuple, dict), self._container),
            (lambda value: isinstance(value, np.ndarray), self._array),
            (lambda value: isinstance(value, np.ufunc), self._ufunc),
            (lambda value: isinstance(value, (type, FunctionType, BuiltinFunctionType)), self._imported),
            (lambda value: hasattr(value, "get_params"), self._estimator),
        ]

    def _plain(self, name: str, value: Any) -> Expression:
        return repr(value)

    def _text(self, name: str, value: str) -> Expression:
        return quoted(value)

    def _float(self, name: str, value: float) -> Expression:
        return repr(float(value)) if np.isfinite(value) else f'float("{float(value)}")'

    def _scalar(self, name: str, value: np.generic) -> Expression:
        return self.expression(name, value.item())

    def _container(self, name: str, value: Any) -> Expression:
        if isinstance(value, dict):
            keys = [one_line(self.expression(name, key)) for key in value]
            items = [(f"{key}: ", self.expression(name, item)) for key, item in zip(keys, value.values())]
            return Call("{", items, "}")
        begin, end = ("[", "]") if isinstance(value, list) else ("(", ")")
        return Call(begin, [("", self.expression(name, item)) for item in value], end)

    def _array(self, name: str, value: np.ndarray) -> Expression:
        if value.size > MAX_ARRAY or value.dtype.kind not in "biufU":
            return self._unknown(name, value)
        self.imports.add("import numpy as np")
        return Call("np.array(", [("", self.expression(name, value.tolist()))], ")")

    def _ufunc(self, name: str, value: np.ufunc) -> Expression:
        if getattr(np, value.__name__, None) is not value:
            return self._unknown(name, value)
        self.imports.add("import numpy as np")
        return f"np.{value.__name__}"

    def _imported(self, name: str, value: Any) -> Expression:
        module = public_module(value)
        if module is None:
            return self._unknown(name, value)
        if module == "__main__":
            self.comments.append(f"# {value.__name__} is defined in the script of the search.")
        elif module != "builtins":
            self.imports.add(f"from {module} import {value.__name__}")
        return str(value.__name__)

    def _estimator(self, name: str, value: Any) -> Expression:
        cls = self._imported(name, type(value))
        changed = changed_params(value)
        items = [(f"{key}=", self.expression(key, given)) for key, given in changed.items()]
        return Call(f"{one_line(cls)}(", items, ")")

    def _unknown(self, name: str, value: Any) -> Expression:
        variable = f"the_{name}" if name.isidentifier() else "the_object"
        text = " ".join(repr(value).split())
        self.comments.append(
            f"# {variable} is {text[:200]}, which code cannot build: define it as in the search."
        )
        return variable


def quoted(text: str) -> str:
    """Return the source code of a text, in double quotes if it has none."""
    literal = repr(text)
    return literal if '"' in literal else f'"{literal[1:-1]}"'


def public_module(value: Any) -> str | None:
    """Return the shortest module that a class or function can be imported from; None if there is none."""
    name, module = getattr(value, "__name__", ""), getattr(value, "__module__", None) or ""
    parts = module.split(".")
    for n in range(1, len(parts) + 1):
        candidate = ".".join(parts[:n])
        if getattr(sys.modules.get(candidate), name, None) is value:
            return candidate
    return None


def _is_same(value: Any, default: Any) -> bool:
    """Tell whether a value is written like the default of its parameter."""
    try:
        return value is default or (type(value) is type(default) and repr(value) == repr(default))
    except Exception:
        return False
