"""Random searches give the same scores, draws and calls of scorers as scikit-learn's searches."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from hypothesis import given, settings
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from skhpt import GridSearch, RandomSearch
from tests.reuse.comparison import columns_of
from tests.reuse.fuzz.problems import Problem, problems


def outcome(search_class: Any, problem: Problem) -> dict[str, Any]:
    """Return all that a search of a problem leaves behind."""
    arguments = problem.build()
    np.random.seed(problem.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            search = search_class(arguments.estimator, arguments.space, **arguments.options)
            search.fit(arguments.X, arguments.y)
        except Exception as error:
            return {"error": type(error).__name__}
        found = columns_of(search) | {"params": [str(params) for params in search.cv_results_["params"]]}
        if search.refit:
            found |= {"best_index_": search.best_index_, "predictions": search.predict(arguments.X)}
    return found | {
        "calls of the scorer": arguments.log,
        "global generator": np.random.get_state()[1:3],
        "generator of the search": _state_of(arguments.options.get("random_state")),
    }


def _state_of(random_state: Any) -> Any:
    return random_state.get_state()[1:3] if isinstance(random_state, np.random.RandomState) else None


def assert_same(expected: dict[str, Any], found: dict[str, Any]) -> None:
    assert expected.keys() == found.keys(), (expected, found)
    for name, value in expected.items():
        if name in ("params", "calls of the scorer", "error"):
            assert found[name] == value, name
        else:
            np.testing.assert_equal(found[name], value, err_msg=name)


@given(problems())
@settings(max_examples=max(40, settings().max_examples))
def test_a_search_is_that_of_scikit_learn(problem: Problem) -> None:
    if problem.n_iter is None:
        assert_same(outcome(GridSearchCV, problem), outcome(GridSearch, problem))
    else:
        assert_same(outcome(RandomizedSearchCV, problem), outcome(RandomSearch, problem))
