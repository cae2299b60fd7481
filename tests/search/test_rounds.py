"""Subclasses that choose candidates themselves: scikit-learn's hook ``_run_search``."""

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid, RandomizedSearchCV, ShuffleSplit
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch, read_journal
from tests.estimators import Counting, Failing

X = np.zeros((12, 1))
Y = np.arange(12) % 3
TREE = DecisionTreeClassifier(random_state=0)


class CoordinateAscent:
    """Varies one parameter after the other, and keeps the best value of each."""

    def _run_search(self, evaluate_candidates):
        best = {}
        for name in ("max_depth", "min_samples_leaf", "ccp_alpha"):
            results = evaluate_candidates([best | {name: value} for value in (1, 2, 3)])
            best = results["params"][int(np.argmin(results["rank_test_score"]))]


class Zoom:
    """Evaluates the grid or the draws of the search, then points near the best one."""

    def _run_search(self, evaluate_candidates):
        super()._run_search(evaluate_candidates)
        evaluate_candidates(ParameterGrid({"max_depth": [6, 7], "ccp_alpha": [0.5]}))


class WithContext:
    def _run_search(self, evaluate_candidates, *, callback_ctx):
        context = callback_ctx.subcontext(task_name="search", max_subtasks=1)
        evaluate_candidates([{"max_depth": 1}], callback_ctx=context.subcontext(task_name="inner"))


class Halving:
    """Successive halving over parts of the folds' training rows, with columns of its own."""

    def _run_search(self, evaluate_candidates):
        depths = [1, 2, 3, 4]
        for i, size in enumerate((0.3, 0.6)):
            more = {"iter": [i] * len(depths), "n_resources": [size] * len(depths)}
            results = evaluate_candidates(
                [{"max_depth": depth} for depth in depths],
                cv=ShuffleSplit(5, train_size=size, test_size=0.3, random_state=0),
                more_results=more,
            )
            best = np.argsort(results["rank_test_score"][-len(depths) :], kind="stable")[:2]
            depths = [depths[k] for k in sorted(best)]


def pair(hook, ours, theirs):
    return type("Ours", (hook, ours), {}), type("Theirs", (hook, theirs), {})


@pytest.mark.parametrize("hook", [CoordinateAscent, Halving])
@pytest.mark.parametrize(("ours", "theirs"), [(GridSearch, GridSearchCV), (RandomSearch, RandomizedSearchCV)])
def test_the_hook_of_scikit_learn_is_honoured(hook, ours, theirs, iris):
    options = {} if ours is GridSearch else {"n_iter": 2, "random_state": 0}
    results = []
    for search_class in pair(hook, ours, theirs):
        search = search_class(TREE, {"min_samples_leaf": [1, 20, 60]}, **options).fit(*iris)
        columns = {name: value for name, value in search.cv_results_.items() if not name.endswith("_time")}
        results.append((columns, search.best_params_, search.best_index_, search.predict(iris[0]).tolist()))
    (ours_table, *ours_rest), (table, *rest) = results
    assert ours_rest == rest
    assert ours_table.keys() == table.keys()
    for name, column in table.items():
        assert np.ma.asarray(ours_table[name]).tolist() == np.ma.asarray(column).tolist(), name


@pytest.mark.parametrize("base", [GridSearch, RandomSearch, BayesSearchCV])
def test_the_candidates_of_the_search_itself_may_be_extended(base, iris):
    space, options = {"max_depth": [1, 2]}, {} if base is GridSearch else {"n_iter": 2, "random_state": 0}
    search = type("Ours", (Zoom, base), {})(TREE, space, **options).fit(*iris)
    plain = base(TREE, space, **options).fit(*iris)
    more = [{"ccp_alpha": 0.5, "max_depth": 6}, {"ccp_alpha": 0.5, "max_depth": 7}]
    assert search.cv_results_["params"] == plain.cv_results_["params"] + more


def test_a_journal_has_no_end_between_two_rounds(iris, tmp_path):
    path, ends = tmp_path / "rounds.jsonl", []

    class Rounds(GridSearch):
        def _run_search(self, evaluate_candidates):
            for depth in (1, 2):
                evaluate_candidates([{"max_depth": depth}])
                ends.append([event.what for event in read_journal(path).events])

    Rounds(TREE, {"max_depth": [5]}, journal=path).fit(*iris)
    assert ends == [["begun"], ["begun"]]  # a search that is killed now is dead
    assert [event.what for event in read_journal(path).events] == ["begun", "ended"]
    assert read_journal(path).stop_reason == "completed"


def test_columns_of_a_round_may_have_the_names_of_rungs_in_a_journal(iris, tmp_path):
    class Columns(GridSearch):
        def _run_search(self, evaluate_candidates):
            evaluate_candidates([{"max_depth": 1}], more_results={"n_resources": [0.3], "rung": ["low"]})

    tables = []
    for _ in range(2):
        search = Columns(TREE, {"max_depth": [5]}, journal=tmp_path / "rounds.jsonl").fit(*iris)
        tables.append([list(search.cv_results_[name]) for name in ("n_resources", "rung")])
    assert tables == [[[0.3], ["low"]]] * 2
    assert read_journal(tmp_path / "rounds.jsonl").best_params == {"max_depth": 1}
    board = search.leaderboard()
    assert list(board["n_resources"]) == [0.3]


def test_an_error_after_a_round_is_the_end_of_the_journal(iris, tmp_path):
    class Broken(GridSearch):
        def _run_search(self, evaluate_candidates):
            evaluate_candidates([{"max_depth": 1}])
            raise RuntimeError("no idea")

    path = tmp_path / "rounds.jsonl"
    with pytest.raises(RuntimeError, match="no idea"):
        Broken(TREE, {"max_depth": [5]}, journal=path).fit(*iris)
    assert read_journal(path).stop_reason == "error"


def test_a_context_of_callbacks_may_be_used(iris):
    search = type("Ours", (WithContext, GridSearch), {})(TREE, {"max_depth": [5]}).fit(*iris)
    assert search.cv_results_["params"] == [{"max_depth": 1}]


class Repeated:
    def _run_search(self, evaluate_candidates):
        self.tables_ = [
            len(evaluate_candidates([{"value": v} for v in values])["params"])
            for values in ([1, 2], [2], [3, 4, 3])
        ]


class RepeatedGrid(Repeated, GridSearch):
    pass


@pytest.mark.parametrize(
    "make",
    [
        lambda e, **p: RepeatedGrid(e, {"value": [9]}, **p),
        lambda e, **p: type("R", (Repeated, RandomSearch), {})(e, {"value": [9]}, **p),
        lambda e, **p: type("M", (Repeated, ManualSearch), {})(e, [], **p),
        lambda e, **p: type("B", (Repeated, BayesSearchCV), {})(e, {"value": [9]}, n_iter=1, **p),
    ],
)
def test_each_round_returns_the_table_so_far(counting, make):
    search = make(counting, cv=2).fit(X, Y)
    assert [params["value"] for params in search.cv_results_["params"]] == [1, 2, 2, 3, 4, 3]
    assert search.tables_ == [2, 3, 6]
    assert (Counting.n_fits, search.best_params_) == (13, {"value": 4})
    assert search.stop_reason_ == "completed"


def test_rounds_are_resumed_from_a_journal_and_kept_by_a_warm_start(counting, tmp_path):
    path = tmp_path / "search.jsonl"
    whole = RepeatedGrid(counting, {"value": [9]}, cv=2, refit=False, journal=path).fit(X, Y)
    lines = path.read_bytes().splitlines(keepends=True)
    for n_lines in (len(lines), 9, 3):
        path.write_bytes(b"".join(lines[:n_lines]))
        Counting.n_fits = 0
        search = RepeatedGrid(counting, {"value": [9]}, cv=2, refit=False, journal=path).fit(X, Y)
        assert search.cv_results_["params"] == whole.cv_results_["params"]
        assert (search.tables_, Counting.n_fits) == (
            whole.tables_,
            12 - sum(b'"scored"' in li for li in lines[:n_lines]),
        )
    search.set_params(journal=None, warm_start=True).fit(X, Y)
    assert len(search.history_) == 6


def test_limits_end_all_rounds(counting):
    search = RepeatedGrid(counting, {"value": [9]}, cv=2, target_score=2).fit(X, Y)
    assert (search.stop_reason_, search.best_params_) == ("target_score", {"value": 2})
    assert len(search.history_) == 2


def test_failures_of_a_round_are_reported_once():
    class Own(GridSearch):
        def _run_search(self, evaluate_candidates):
            evaluate_candidates([{"value": 0}, {"value": 1}])
            evaluate_candidates([{"value": 2}])

    with pytest.warns((FitFailedWarning, UserWarning), match="fits failed|non-finite") as caught:
        Own(Failing(bad=(1,)), {"value": [0]}, cv=2).fit(X, Y)
    assert sum("fits failed" in str(warning.message) for warning in caught) == 1


def own(method, base=GridSearch, **attributes):
    return type("Own", (base,), {"_run_search": method} | attributes)


BAD = {
    "nothing": (lambda self, evaluate: None, ValueError, "No fits were performed"),
    "no candidates": (lambda self, evaluate: evaluate([]), ValueError, "No fits were performed"),
    "unknown name": (
        lambda self, evaluate: evaluate([{"c": 1}]),
        ValueError,
        "Invalid parameter 'c' .*Did you mean 'C'",
    ),
    "not a dict": (lambda self, evaluate: evaluate([3]), TypeError, "list of dicts .* holds 3"),
    "other number of folds": (
        lambda self, evaluate: evaluate([{"C": 1}], cv=KFold(3)),
        ValueError,
        "cv gives 3 folds, but the search has 2",
    ),
    "more results": (
        lambda self, evaluate: evaluate([{"C": 1}], more_results={"a": [1, 2]}),
        ValueError,
        "more_results must have 1 values",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rounds(case, iris):
    method, error, message = BAD[case]
    with pytest.raises(error, match=f"(?s){message}"):
        own(method)(SVC(), {"C": [1]}, cv=2).fit(*iris)


def test_other_folds_cannot_be_mixed_with_earlier_scores(iris):
    search = own(lambda self, evaluate: evaluate([{"C": 1}], cv=KFold(2)))(SVC(), {"C": [1]}, cv=2)
    with pytest.raises(ValueError, match="other folds"):
        search.set_params(warm_start=True).fit(*iris)


def test_the_constraint_holds_in_rounds(iris):
    search = own(lambda self, evaluate: evaluate([{"C": 3}]))(
        SVC(), {"C": [1]}, constraint=lambda p: p["C"] < 2
    )
    with pytest.raises(
        ValueError, match=r"the constraint rejects \{'C': 3\}, which Own._run_search asks for"
    ):
        search.fit(*iris)


def test_hyperband_refuses_candidates_of_a_subclass(iris):
    search = own(lambda self, evaluate: evaluate([{"C": 3}]), HyperbandSearchCV)(SVC(), {"C": [1, 2]})
    with pytest.raises(ValueError, match="derive from another search"):
        search.fit(*iris)


@pytest.mark.parametrize("name", ["_format_results", "_check_input_parameters"])
@pytest.mark.parametrize("base", [GridSearch, BayesSearchCV])
def test_hooks_that_are_never_called_are_refused(name, base, iris):
    search = type("Own", (base,), {name: lambda self, *args: None})(SVC(), {"C": [1, 2]})
    with pytest.raises(TypeError, match=f"Own overrides {name}, which the searches of skhpt never call"):
        search.fit(*iris)
