"""Files and functions of the package that one candidate passes, from the question to the finished trial.

Run by hand: ``python tests/benchmarks/route.py``. It fits a `BayesSearchCV` on three folds with one worker,
without journal and racing, and counts with ``sys.setprofile`` which functions of the package are entered for
one candidate that the surrogate proposes: from the call of the strategy's ``ask`` to the next call of
``ask``. It prints the route as a tree (each function once below its caller, in the order of the first call,
with the number of calls), the totals of this candidate, how much of that is the proposal itself (``ask``),
and the totals of the whole fit.

Comprehensions, generator expressions, lambdas and code that dataclasses generate are not counted; a generator
counts as a call each time it is resumed. ``--totals`` leaves the tree out, ``--candidate`` chooses another
candidate.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

import skhpt
from skhpt import BayesSearchCV

PACKAGE = Path(skhpt.__file__).parent
#: Candidates before the first one that the surrogate proposes, and all candidates.
N_INITIAL, N_ITER = 6, 12
SPACE = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-3, 1.0)}


class Node:
    """A function below its caller, with the functions that it calls itself."""

    def __init__(self, name: str):
        self.name = name
        self.n_calls = 0
        self.children: dict[str, Node] = {}

    def enter(self, name: str) -> Node:
        """Count a call of a function and return its node."""
        node = self.children.setdefault(name, Node(name))
        node.n_calls += 1
        return node

    def functions(self) -> set[str]:
        """Return this function and all functions below it."""
        return {self.name}.union(*(node.functions() for node in self.children.values()))

    def lines(self, depth: int = 0) -> list[str]:
        """Return the tree below this node as text."""
        lines = []
        for node in self.children.values():
            times = f"  x{node.n_calls}" if node.n_calls > 1 else ""
            lines += ["  " * depth + node.name + times, *node.lines(depth + 1)]
        return lines


class Totals:
    """Counts of what was entered in a part of a fit."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()  # by function
        self.deepest = 0
        self.n_changes = 0
        self._file = ""  # of the last call

    @property
    def files(self) -> list[str]:
        """The files that were entered."""
        return sorted({name.partition(":")[0] for name in self.calls})

    def add(self, name: str, depth: int) -> None:
        """Count a call at a depth."""
        file = name.partition(":")[0]
        self.n_changes += bool(self._file) and file != self._file
        self._file = file
        self.deepest = max(self.deepest, depth)
        self.calls[name] += 1

    def __str__(self) -> str:
        return (
            f"{len(self.files)} files, {len(self.calls)} functions, {self.calls.total()} calls, "
            f"deepest frame {self.deepest}, {self.n_changes} changes of file"
        )


class Profiler:
    """Profile function of one fit, which knows where the route of a candidate begins and ends.

    Parameters
    ----------
    number : int
        Which call of ``ask`` begins the route, from 1.
    """

    def __init__(self, number: int):
        self.number = number
        self.n_asked = 0
        self.root = Node("")
        self.route, self.whole = Totals(), Totals()
        self._names: dict[CodeType, str] = {}
        # Of each frame: its node, and its depth in the package.
        self._stack: list[tuple[Node, int]] = [(Node(""), 0)]

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            self._enter(self._name(frame.f_code))
        elif event == "return" and len(self._stack) > 1:
            self._stack.pop()

    def _enter(self, name: str) -> None:
        if name.endswith(".ask"):
            self._begin_or_end()
        node, depth = self._stack[-1]
        if name:
            node, depth = node.enter(name), depth + 1
            self.whole.add(name, depth)
            if self.n_asked == self.number:
                self.route.add(name, depth)
        self._stack.append((node, depth))

    def _begin_or_end(self) -> None:
        self.n_asked += 1
        # Callers that were entered before the route began stand for the root of the tree, or for nothing.
        root = self.root if self.n_asked == self.number else Node("")
        self._stack = [(root, depth) for _, depth in self._stack]

    def _name(self, code: CodeType) -> str:
        """Return file and function; nothing for code of others, comprehensions and the like."""
        if code not in self._names:
            file = Path(code.co_filename)
            is_counted = file.is_relative_to(PACKAGE) and not code.co_name.startswith("<")
            self._names[code] = f"{file.relative_to(PACKAGE)}:{code.co_qualname}" if is_counted else ""
        return self._names[code]


def profiled_fit(number: int) -> Profiler:
    """Fit a search and return what was entered."""
    options = {"n_iter": N_ITER, "n_initial": N_INITIAL, "cv": 3, "random_state": 0, "reuse": False}
    X, y = load_iris(return_X_y=True)
    BayesSearchCV(SVC(), SPACE, **options).fit(X, y)  # imports and caches
    search = BayesSearchCV(SVC(), SPACE, **options)
    profiler = Profiler(number)
    sys.setprofile(profiler)
    try:
        search.fit(X, y)
    finally:
        sys.setprofile(None)
    return profiler


def main() -> None:
    """Print the route and the totals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidate", type=int, default=N_INITIAL + 2, help=f"{N_INITIAL} to {N_ITER - 1}")
    parser.add_argument("--totals", action="store_true", help="print the totals only")
    arguments = parser.parse_args()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # One call of ask gives all initial candidates, the calls after the next trials give none.
        profiler = profiled_fit(arguments.candidate + 1)
    if not arguments.totals:
        print(*profiler.root.lines(), sep="\n")
    print(f"one candidate: {profiler.route}")
    asking = next(iter(profiler.root.children.values())).functions()
    files = {name.partition(":")[0] for name in asking}
    print(f"in ask alone:  {len(files)} files, {len(asking)} functions")
    print(f"whole fit:     {profiler.whole}")


if __name__ == "__main__":
    main()
