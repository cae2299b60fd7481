"""The pages for users of other tools: the code of the other tools runs, and the spaces that are called the same are.

Code of a tool that is not installed is skipped here; `test_pages.py` checks that it is valid Python.
"""

import importlib.util
import math
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import loguniform, randint, uniform

from skhpt import Space
from skhpt.distributions import loguniform_int, quantized

PAGES = sorted((Path(__file__).parents[2] / "docs" / "migration").glob("*.md"))
#: Tools whose code starts a cluster.
SLOW = {"ray", "dask_ml"}


def code_before(page):
    """Code of the other tool: the first block that is no doctest."""
    blocks = re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return next((block for block in blocks if ">>>" not in block), None)


def cases():
    for page in PAGES:
        code = code_before(page)
        if code is not None:
            tools = set(re.findall(r"^(?:from|import) (\w+)", code, flags=re.MULTILINE))
            yield pytest.param(code, tools, marks=[pytest.mark.slow] * bool(tools & SLOW), id=page.stem)


def test_every_page_but_the_index_shows_the_code_of_the_other_tool():
    assert [page.stem for page in PAGES if code_before(page) is None] == ["index"]


@pytest.mark.parametrize("code, tools", list(cases()))
def test_the_code_of_the_other_tool_runs(code, tools):
    missing = [tool for tool in tools if importlib.util.find_spec(tool) is None]
    if missing:
        pytest.skip(f"not installed: {missing}")
    names = {}
    with warnings.catch_warnings(action="ignore"):  # those of the other tool
        exec(code, names)
    model = names["model"] if "model" in names and "search" not in names else names["search"]
    assert model.score(names["X"], names["y"]) > 0.9


def draws_of_optuna(suggest):
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return np.array([suggest(study.ask()) for _ in range(1_000)])


@pytest.mark.parametrize(
    "suggest, dist",
    [
        (lambda trial: trial.suggest_float("x", 0, 1), uniform(0, 1)),
        (lambda trial: trial.suggest_float("x", 1e-3, 1e3, log=True), loguniform(1e-3, 1e3)),
        (lambda trial: trial.suggest_float("x", 0, 1, step=0.1), quantized(uniform(-0.05, 1.1), 0.1)),
        (lambda trial: trial.suggest_int("x", 1, 9), randint(1, 10)),
        (lambda trial: trial.suggest_int("x", 1, 1000, log=True), loguniform_int(1, 1000)),
    ],
    ids=["float", "float-log", "float-step", "int", "int-log"],
)
def test_a_distribution_of_optuna_is_the_one_that_the_page_names(suggest, dist):
    draws = draws_of_optuna(suggest)
    for value in np.unique(np.quantile(draws, [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1], method="higher")):
        # Four standard deviations of a share of 1,000 draws, and the rounding of a multiple of the step.
        assert np.mean(draws <= value + 1e-9) == pytest.approx(
            dist.cdf(value + 1e-9), abs=4 * math.sqrt(0.25 / 1_000)
        )


def test_a_stepped_integer_of_optuna_is_a_range():
    draws = draws_of_optuna(lambda trial: trial.suggest_int("x", 10, 100, step=10))
    assert set(draws) == set(range(10, 101, 10))
    assert Space({"x": range(10, 101, 10)}).size == 10
