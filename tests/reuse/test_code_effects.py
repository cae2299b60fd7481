"""What the code of a function shows of its effects."""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, f1_score, mean_squared_error

from skhpt.reuse import code_effects
from skhpt.reuse.code_effects import effects_of

COSTS = np.array([[0, 1], [5, 0]])
LOG: list[Any] = []


def rmse(y: Any, p: Any) -> Any:
    return np.sqrt(mean_squared_error(y, p))


def profit(y: Any, p: Any) -> Any:
    _, fp, fn, tp = confusion_matrix(y, p).ravel()
    return np.where(p == 1, 10 * tp - fp, 0).sum() if fn else 0.0


def cost(y: Any, p: Any) -> Any:
    total = 0
    for true, predicted in zip(y, p, strict=True):
        total += COSTS[true, predicted]
    return -total


def tolerant(y: Any, p: Any) -> Any:
    try:
        with np.errstate(all="ignore"):
            return float(f"{np.clip(p, 0, 1).mean():.3f}")
    except (ValueError, ZeroDivisionError) as error:
        raise TypeError("no score") from error


def several(model: Any, X: Any, y: Any) -> Any:
    predicted = model.predict(X)
    return {f"f{beta}": f1_score(y, predicted, average="macro") for beta in (1, 2)}


def by_group(y: Any, p: Any) -> Any:
    errors = pd.Series(np.abs(y - p))
    return -errors.groupby(pd.cut(pd.Series(y), 2), observed=True).mean().max()


def kind(model: Any, X: Any, y: Any) -> Any:
    match model.classes_:
        case [_, _]:
            return sum(score for score in model.predict_proba(X)[:, 1])
        case _:
            return float(np.count_nonzero(model.coef_))


HIDES_ARGUMENTS = np.lib.NumpyVersion(np.__version__) < "1.25.0"  # of np.where, which may then write to some


@pytest.mark.parametrize(
    "function", [rmse, *([] if HIDES_ARGUMENTS else [profit]), cost, tolerant, several, by_group, kind]
)
def test_what_users_commonly_write_has_no_effects(function: Callable[..., Any]) -> None:
    effects = effects_of(function)
    assert not effects.has_state
    assert not effects.writes


def counts(y: Any, p: Any) -> Any:
    global LOG
    LOG = [*LOG, 1]


def adds(y: Any, p: Any, total: Any = COSTS) -> Any:
    total += 1


def adds_to_an_item(y: Any, p: Any) -> Any:
    total: Any = 0
    total = COSTS[0]
    total += 1


def adds_in_a_loop(y: Any, p: Any) -> Any:
    total: Any = 0
    for total in COSTS:
        total += 1


def multiplies(y: Any, p: Any) -> Any:
    np.multiply(COSTS, 2, COSTS)


def sums(y: Any, p: Any) -> Any:
    np.cumsum(COSTS, 0, None, COSTS)


def clips(y: Any, p: Any) -> Any:
    COSTS.clip(0, 1, COSTS)


def negates(y: Any, p: Any) -> Any:
    arrays = [COSTS, COSTS]
    np.negative(*arrays)


def adds_at(y: Any, p: Any) -> Any:
    np.add.at(COSTS, [0], 1)


def calls_an_attribute(model: Any, X: Any, y: Any) -> Any:
    return model.callback_(X)


def chooses(model: Any, X: Any, y: Any) -> Any:
    return (model or np).sqrt(X)


@functools.cache
def remembers(y: Any) -> Any:
    return y


WITH_STATE = [
    counts,
    adds,
    adds_to_an_item,
    adds_in_a_loop,
    multiplies,
    sums,
    clips,
    negates,
    adds_at,
    calls_an_attribute,
    chooses,
    remembers,
    lambda y, p: remembers(1),
    functools.partial(np.add, out=COSTS),
]


@pytest.mark.parametrize("function", WITH_STATE)
def test_state_is_found(function: Callable[..., Any]) -> None:
    assert effects_of(function).has_state


def test_instructions_of_newer_versions_of_python_count_as_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(code: Any) -> Any:
        for instruction in instructions_of(code):
            is_binary = instruction.opname == "BINARY_OP"
            yield instruction._replace(opname="BINARY_OP_OF_TOMORROW") if is_binary else instruction

    instructions_of = dis.get_instructions
    assert not effects_of(lambda y, p: y - p).has_state
    monkeypatch.setattr(code_effects.dis, "get_instructions", renamed)
    assert effects_of(lambda y, p: y - p).has_state
