"""Constraints that allow hardly any point, in all searches that draw or propose."""

import numpy as np
import pytest
from scipy import stats

from skhpt import BayesSearchCV, HyperbandSearchCV, RandomSearch
from tests.search.test_bayes import Bowl

X = np.zeros((24, 1))
Y = np.arange(24) % 3
SPACE = {"C": stats.loguniform(1e-3, 1e3), "k": stats.uniform(0, 20)}


def on_a_band(params):
    return abs(np.log10(params["C"]) - params["k"] / 10 + 0.3) < 1e-4


def equal(params):
    return params["C"] == params["k"]


def never(params):
    return False


SEARCHES = {
    "random": lambda constraint: RandomSearch(
        Bowl(k=2, kind="good"), SPACE, n_iter=12, cv=2, constraint=constraint, random_state=0
    ),
    "bayes": lambda constraint: BayesSearchCV(
        Bowl(k=2, kind="good"), SPACE, n_iter=12, cv=2, constraint=constraint, random_state=0
    ),
    "hyperband": lambda constraint: HyperbandSearchCV(
        Bowl(k=2, kind="good"),
        SPACE,
        n_candidates=9,
        resource="n_samples",
        min_resources=6,
        cv=2,
        constraint=constraint,
        random_state=0,
    ),
}


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr("skhpt.space.drawing.PATIENCE", 200)
    monkeypatch.setattr("skhpt.space.drawing.MAX_CUBE_DRAWS", 300_000)


@pytest.mark.parametrize("name", SEARCHES)
def test_all_candidates_are_found(name):
    search = SEARCHES[name](on_a_band).fit(X, Y)
    points = {tuple(params.values()) for params in search.cv_results_["params"]}
    assert len(points) >= 9
    assert all(map(on_a_band, search.cv_results_["params"]))
    assert search.stop_reason_ == "completed"


def test_a_model_finds_the_best_point_of_a_band():
    search = SEARCHES["bayes"](on_a_band).set_params(n_iter=20).fit(X, Y)
    k = np.linspace(0, 20, 100_001)
    assert search.best_score_ > np.max(-((k / 10 - 0.3 - 1) ** 2) - abs(k - 7) / 10) - 0.01


@pytest.mark.parametrize("name, n", [("random", 12), ("bayes", 12), ("hyperband", 9)])
def test_the_constraint_is_the_reason_of_an_early_end(name, n, monkeypatch):
    monkeypatch.setattr("skhpt.space.drawing.MAX_CUBE_DRAWS", 10_000)
    search = SEARCHES[name](lambda params: params == {"C": 1.0, "k": 10.0})  # the middle of the space
    with pytest.warns(
        UserWarning, match=f"{n} candidates .* only 1 were found that meet the constraint <lambda>"
    ):
        search.fit(X, Y)
    assert search.stop_reason_ == "constraint"
    assert search.best_params_ == {"C": 1.0, "k": 10.0}


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("constraint", [equal, never])
def test_a_constraint_that_no_draw_meets_is_an_error(name, constraint, monkeypatch):
    monkeypatch.setattr("skhpt.space.drawing.MAX_CUBE_DRAWS", 10_000)
    match = rf"{constraint.__name__} \(test_tight_constraint.py, line \d+\) rejected all [\d,]+ draws"
    with pytest.raises(ValueError, match=match):
        SEARCHES[name](constraint).fit(X, Y)


def test_a_finite_space_of_which_everything_was_tried_is_complete():
    search = RandomSearch(
        Bowl(),
        {"C": [0.1, 1, 10], "k": list(range(10))},
        n_iter=12,
        cv=2,
        constraint=lambda params: params["C"] * params["k"] == 1,
        random_state=0,
    )
    with pytest.warns(UserWarning, match="the space has only 1 left to try"):
        search.fit(X, Y)
    assert search.stop_reason_ == "completed"
