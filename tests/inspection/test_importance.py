"""param_importances: known truths, branches, kinds of values and sources."""

import sys

import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, RandomizedSearchCV
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, HyperbandSearchCV, RandomSearch
from skhpt.inspection import param_importances
from skhpt.inspection.importance import METHODS, comparable_candidates
from skhpt.inspection.search_data import read_source

OPTUNA = ["ped_anova", "fanova", "mean_decrease_impurity"]
OWN = ["surrogate", "length_scales", "permutation"]


def table(params, scores, **columns):
    """Return a table of results with two folds."""
    scores = np.asarray(scores, dtype=float)
    folds = {f"split{i}_test_score": scores for i in range(2)}
    return {"params": params, "mean_test_score": scores, **folds, **columns}


def drawn(n, names, seed=0):
    return [dict(zip(names, row.tolist())) for row in np.random.default_rng(seed).random((n, len(names)))]


@pytest.fixture(scope="module")
def ishigami():
    params = drawn(300, "abcd")
    scores = []
    for each in params:
        a, b, c, _ = (2 * np.pi * (value - 0.5) for value in each.values())
        scores.append(np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a))
    return table(params, scores)


@pytest.fixture(scope="module")
def linear():
    params = drawn(60, "xyz")
    return table(params, [10 * each["x"] + 3 * each["y"] for each in params])


@pytest.mark.parametrize("method", [*OWN, *OPTUNA])
def test_importances_have_the_order_of_the_effects_and_the_sum_1(linear, method):
    if method in OPTUNA:
        pytest.importorskip("optuna")
    importances = param_importances(linear, method=method)
    assert list(importances) == ["x", "y", "z"]
    assert importances["x"] > 0.5 > importances["y"]
    assert sum(importances.values()) == pytest.approx(1)
    assert list(importances.values()) == sorted(importances.values(), reverse=True)
    assert all(type(value) is float for value in importances.values())
    assert param_importances(linear, method=method) == importances


def test_the_default_is_close_to_the_total_effects_of_a_function_with_interactions(ishigami):
    # Saltelli et al. 2010: the total indices are 0.558, 0.442, 0.244 and 0
    importances = param_importances(ishigami)
    truth = np.array([0.558, 0.442, 0.244, 0]) / 1.244
    assert [importances[name] for name in "abcd"] == pytest.approx(truth, abs=0.08)
    assert importances == param_importances(ishigami, method="surrogate")


def test_the_seed_changes_the_points_and_little_else(ishigami):
    first, second = (param_importances(ishigami, random_state=seed) for seed in (0, 1))
    assert first != second
    assert first == pytest.approx(second, abs=0.02)


def test_equal_scores_give_every_parameter_the_importance_0():
    params = drawn(10, "xy")
    for method in METHODS:
        assert param_importances(table(params, np.ones(10)), method=method) == {"x": 0, "y": 0}


def test_a_parameter_with_one_value_is_left_out(linear):
    constant = table([each | {"c": 3} for each in linear["params"]], linear["mean_test_score"])
    assert param_importances(constant) == param_importances(linear)
    assert param_importances(constant, params=["c", "x"]) == {"x": 1.0, "c": 0.0}


def test_only_the_parameters_that_are_asked_for_are_returned(linear):
    everything = param_importances(linear)
    some = param_importances(linear, params=["z", "x"])
    assert list(some) == ["x", "z"]
    assert some["z"] / some["x"] == pytest.approx(everything["z"] / everything["x"])
    assert param_importances(linear, params="y") == {"y": 1.0}


@pytest.mark.parametrize("method", [*OWN, *OPTUNA])
def test_values_of_all_kinds_are_compared(method):
    if method in OPTUNA:
        pytest.importorskip("optuna")
    rng = np.random.default_rng(0)
    params = []
    for _ in range(60):
        params.append(
            {
                "flag": bool(rng.integers(2)),
                "depth": [None, 1, 2, 4, 8][rng.integers(5)],
                "model": [DecisionTreeClassifier(), DecisionTreeClassifier(max_depth=1)][rng.integers(2)],
                "alpha": float(10 ** rng.uniform(-6, 2)),
                "missing": [np.nan, "a", 0.5][rng.integers(3)],
            }
        )
    scores = [np.log10(each["alpha"]) + 8 * (each["depth"] is None) for each in params]
    importances = param_importances(table(params, scores), method=method)
    assert set(importances) == {"flag", "depth", "model", "alpha", "missing"}
    if method != "ped_anova":  # all good candidates have depth None, so only alpha tells them apart
        assert set(list(importances)[:2]) == {"depth", "alpha"}


def branched(with_kernel):
    rng = np.random.default_rng(0)
    params, scores = [], []
    for i in range(60):
        gamma, C = (float(10 ** rng.uniform(-3, 3)) for _ in range(2))
        each = {"C": C, "kernel": "rbf", "gamma": gamma} if i % 2 else {"C": C, "kernel": "linear"}
        scores.append(-abs(np.log10(gamma)) if i % 2 else -6)
        params.append(each if with_kernel else {name: each[name] for name in each if name != "kernel"})
    return table(params, scores)


@pytest.mark.parametrize("method", [*OWN, *OPTUNA])
def test_a_parameter_of_one_branch_has_an_importance(method):
    if method in OPTUNA:
        pytest.importorskip("optuna", "5" if method == "ped_anova" else None)
    importances = param_importances(branched(with_kernel=True), method=method)
    assert set(importances) == {"C", "kernel", "gamma"}
    assert list(importances)[-1] == "C"
    assert importances["gamma"] > importances["C"]


def test_the_choice_of_the_branch_counts_for_the_parameter_that_tells_branches_apart():
    importances = param_importances(branched(with_kernel=True))
    assert importances["kernel"] > importances["gamma"] > 10 * importances["C"]


def test_the_choice_of_the_branch_counts_for_the_parameters_of_some_branches_if_none_tells_them_apart():
    importances = param_importances(branched(with_kernel=False))
    assert importances["gamma"] > 0.99


def test_one_extreme_score_does_not_decide(linear):
    scores = np.array(linear["mean_test_score"])
    scores[0] = -1e12
    assert param_importances(table(linear["params"], scores)) == pytest.approx(
        param_importances(linear), abs=0.2
    )


def test_failed_candidates_are_left_out(linear):
    scores = np.array(linear["mean_test_score"])
    scores[::3] = np.nan
    kept = [each for i, each in enumerate(linear["params"]) if i % 3]
    failed = param_importances(table(linear["params"], scores))
    assert failed == pytest.approx(param_importances(table(kept, scores[np.isfinite(scores)])), abs=0.01)


@pytest.mark.parametrize("n_scores", [0, 1, 3])
def test_too_few_scores_are_an_error_that_tells_the_numbers(n_scores):
    scores = np.full(8, np.nan)
    scores[:n_scores] = np.arange(n_scores)
    with pytest.raises(ValueError, match=rf"at least 4 candidates with a score, got {n_scores} \(8 trials\)"):
        param_importances(table(drawn(8, "xy"), scores))


def test_four_scores_are_enough_for_every_method():
    for method in OWN:
        importances = param_importances(table(drawn(4, "xy"), [1, 2, 3, 5]), method=method)
        assert set(importances) == {"x", "y"}


def test_bad_arguments_are_named(linear):
    with pytest.raises(ValueError, match=r"method must be one of \['auto', 'surrogate', .*\], got 'shap'"):
        param_importances(linear, method="shap")
    with pytest.raises(ValueError, match="metric must be one of"):
        param_importances(linear, metric="auc")
    with pytest.raises(ValueError, match="params must be among"):
        param_importances(linear, params=["w"])


@pytest.mark.parametrize("method", OPTUNA)
def test_a_missing_optuna_is_an_error_that_names_the_extra(linear, method, monkeypatch):
    for name in ("optuna", "optuna.importance"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"needs the package optuna: .*skhpt\[dashboard\]"):
        param_importances(linear, method=method)


def test_optuna_logs_nothing(linear, capfd):
    optuna = pytest.importorskip("optuna")
    before = optuna.logging.get_verbosity()
    param_importances(linear, method="ped_anova")
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")


def test_each_metric_has_its_own_importances():
    params = drawn(40, "xy")
    x, y = (np.array([each[name] for each in params]) for name in "xy")
    scores = {
        f"{kind}_test_{name}": values for name, values in (("m", x), ("n", y)) for kind in ("mean", "split0")
    }
    source = {"params": params, **scores}
    assert next(iter(param_importances(source))) == "x"
    assert next(iter(param_importances(source, metric="n"))) == "y"


# -- searches --------------------------------------------------------------------------------------------------

SPACE = {"max_depth": randint(1, 9), "ccp_alpha": loguniform(1e-4, 1), "splitter": ["best", "random"]}


@pytest.mark.parametrize("search_class", [RandomSearch, BayesSearchCV, RandomizedSearchCV])
def test_fitted_searches_are_sources(search_class):
    search = search_class(DecisionTreeClassifier(random_state=0), SPACE, n_iter=25, random_state=0)
    search.fit(*load_iris(return_X_y=True))
    importances = param_importances(search)
    assert next(iter(importances)) == "ccp_alpha"
    assert set(importances) == set(SPACE)


def test_of_a_search_with_rungs_the_largest_budget_with_enough_candidates_counts():
    space = {name: SPACE[name] for name in ("max_depth", "ccp_alpha")}
    search = HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0), space, resource="n_samples", random_state=0, n_candidates=60
    )
    search.fit(*load_iris(return_X_y=True))
    data = read_source(search)
    used = comparable_candidates(data)
    sizes = {budget: data.budgets.count(budget) for budget in data.budgets}
    enough = [budget for budget, n in sizes.items() if n >= 30]
    assert len(used.trials) == sizes[max(enough)]
    assert next(iter(param_importances(search))) == "ccp_alpha"


def test_halving_searches_are_sources():
    search = HalvingRandomSearchCV(
        DecisionTreeClassifier(random_state=0), SPACE, n_candidates=12, min_resources=30, random_state=0
    )
    search.fit(*load_iris(return_X_y=True))
    assert len(comparable_candidates(read_source(search)).trials) == 12
    assert set(param_importances(search)) == set(SPACE)


@pytest.mark.parametrize("method", OWN)
def test_huge_scores_and_values_do_not_overflow(method):
    params = [
        {"a": value["a"], "b": [1e300, -1e300, 0.0, 2][i % 4]} for i, value in enumerate(drawn(24, "a"))
    ]
    scores = [-1e300 if each["a"] < 0.4 else -each["a"] for each in params]
    importances = param_importances(table(params, scores), method=method)
    assert sum(importances.values()) == pytest.approx(1)


def test_an_integer_beyond_the_largest_float_is_a_text():
    params = [{"a": value["a"], "b": [10**400, 1, 2, 3][i % 4]} for i, value in enumerate(drawn(24, "a"))]
    importances = param_importances(table(params, [each["a"] for each in params]))
    assert importances["a"] > importances["b"]
