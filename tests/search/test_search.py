"""What the searches do beyond scikit-learn's: distributions on grids, spread draws, warm starts, manual tries."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import GridSearch, ManualSearch, RandomSearch
from skhpt.identity import params_key
from tests.estimators import Counting, Failing, Null

X = np.zeros((12, 1))
Y = np.arange(12) % 3


@pytest.fixture
def counting():
    """An estimator that counts its fits; its score is its value."""
    Counting.n_fits = 0
    return Counting()


def values(search):
    return [params["value"] for params in search.cv_results_["params"]]


# -- GridSearch and RandomSearch ---------------------------------------------------------------------------------------


def test_grid_of_distributions():
    grid = {"value": stats.randint(0, 100)}
    assert values(GridSearch(Null(), grid, cv=2).fit(X, Y)) == [0, 24, 49, 74, 99]
    assert values(GridSearch(Null(), grid, cv=2, resolution={"value": 2}).fit(X, Y)) == [0, 99]


@pytest.mark.parametrize("sampler", ["random", "sobol", "halton"])
def test_random_search_samplers(sampler):
    space = {"value": stats.randint(0, 10**6)}
    search = RandomSearch(Null(), space, n_iter=8, cv=2, sampler=sampler, random_state=0)
    assert values(clone(search).fit(X, Y)) == values(clone(search).fit(X, Y))
    if sampler != "random":  # one point in each eighth of the range
        assert sorted(value // 125_000 for value in values(search.fit(X, Y))) == pytest.approx(range(8), abs=1)


def test_unique_random_search_stops_when_the_space_is_exhausted():
    search = RandomSearch(Null(), {"value": stats.randint(0, 6)}, n_iter=10, unique=True, random_state=0, cv=2)
    with pytest.warns(UserWarning, match="total space of parameters 6 is smaller than n_iter=10"):
        search.fit(X, Y)
    assert sorted(values(search)) == list(range(6))


@pytest.mark.parametrize("search", [GridSearch, RandomSearch])
def test_constraints(search):
    found = search(Null(), {"value": list(range(10))}, constraint=lambda p: p["value"] % 2 == 0, cv=2)
    found.set_params(**({"n_iter": 5} if search is RandomSearch else {})).fit(X, Y)
    assert sorted(values(found)) == [0, 2, 4, 6, 8]


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_failing_candidate_is_kept_with_its_error():
    with pytest.warns(match="2 fits failed out of a total of 6"):
        search = GridSearch(Failing(bad=(1,)), {"value": [0, 1, 2]}, cv=2, error_score=-1.0).fit(X, Y)
    assert [trial.state for trial in search.history_] == ["ok", "failed", "ok"]
    assert "no luck with 1" in search.history_[1].folds[0].error
    assert search.leaderboard()["state"].tolist() == ["ok", "ok", "failed"]


def test_an_impossible_combination_fails_alone():
    pipe = Pipeline([("clf", SVC())])
    grid = {"clf": [SVC(), LogisticRegression()], "clf__kernel": ["rbf"]}
    with pytest.warns(match="fits failed"), pytest.warns(match="non-finite"):
        search = GridSearch(pipe, grid, cv=2).fit(np.arange(12.0)[:, None], Y)
    assert [trial.state for trial in search.history_] == ["ok", "failed"]


def test_what_was_computed_before_an_error_is_kept():
    search = GridSearch(Failing(bad=(2,)), {"value": [0, 1, 2, 3]}, cv=2, error_score="raise")
    with pytest.raises(ArithmeticError, match="no luck with 2"):
        search.fit(X, Y)
    assert [trial.state for trial in search.history_] == ["ok", "ok", "pending", "pending"]
    with pytest.warns(match="2 fits failed out of a total of 4"), pytest.warns(match="non-finite"):
        search.set_params(warm_start=True, error_score=np.nan).fit(X, Y)
    assert values(search) == [0, 1, 2, 3]


# -- warm start --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, more",
    [
        (lambda e, **k: GridSearch(e, {"value": [1, 2]}, **k), {"param_grid": {"value": [0, 1, 2, 3]}}),
        (
            lambda e, **k: ManualSearch(e, [{"value": 1}, {"value": 2}], **k),
            {"candidates": [{"value": 3}, {"value": 1}, {}]},
        ),
    ],
    ids=["grid", "manual"],
)
def test_warm_start_evaluates_only_what_is_new(counting, make, more):
    search = make(counting, cv=3, warm_start=True, refit=False).fit(X, Y)
    assert Counting.n_fits == 6
    search.set_params(**more).fit(X, Y)
    assert Counting.n_fits == 12
    assert sorted(values(search)) == [0, 1, 2, 3]
    search.fit(X, Y)
    assert Counting.n_fits == 12
    assert search.best_params_ == {"value": 3}


@pytest.mark.parametrize("sampler", ["random", "sobol"])
@pytest.mark.parametrize("unique", [False, True])
def test_a_longer_random_search_goes_on_where_a_shorter_one_ended(counting, sampler, unique):
    space = {"value": stats.randint(0, 10**6)}
    kwargs = {"random_state": 0, "sampler": sampler, "unique": unique, "cv": 3, "refit": False}
    search = RandomSearch(counting, space, n_iter=4, warm_start=True, **kwargs).fit(X, Y)
    search.set_params(n_iter=10).fit(X, Y)
    assert Counting.n_fits == 30
    assert values(search) == values(RandomSearch(counting, space, n_iter=10, **kwargs).fit(X, Y))
    search.set_params(n_iter=3).fit(X, Y)  # fewer than are known: nothing to do
    assert len(values(search)) == 10


def test_a_longer_random_search_of_lists_has_as_many_candidates_as_asked_for(counting):
    search = RandomSearch(counting, {"value": list(range(30))}, n_iter=10, random_state=0, warm_start=True, cv=2)
    search.fit(X, Y).set_params(n_iter=20).fit(X, Y)
    assert len(set(values(search))) == 20


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.fit(X + 1, Y), "data: X ndarray"),
        (lambda s: s.fit(X, Y[::-1].copy()), "data: .* y ndarray"),
        (lambda s: s.fit(X[:6], Y[:6]), "data: "),
        (lambda s: s.fit(X, Y, sample_weight=np.ones(12)), "data: .*sample_weight"),
        (lambda s: s.set_params(cv=3).fit(X, Y), "folds: 2 folds"),
        (lambda s: s.set_params(scoring="accuracy").fit(X, Y), "scoring: None became 'accuracy'"),
        (lambda s: s.set_params(return_train_score=True).fit(X, Y), "scoring: None became None with training"),
        (lambda s: s.set_params(estimator=Null(3)).fit(X, Y), "estimator: .*Null"),
    ],
)
def test_warm_start_refuses_what_cannot_be_compared(change, message):
    search = GridSearch(WeightedNull(), {"value": [0, 1]}, cv=2, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=f"(?s)scores cannot be compared with new ones: .*{message}.*warm_start=False"):
        change(search)
    assert len(search.history_) == 2  # what is known is still there


class WeightedNull(Null):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y)


def test_warm_start_keeps_the_folds_of_a_splitter_that_shuffles(counting):
    search = GridSearch(counting, {"value": [1]}, cv=ShuffleSplit(3), warm_start=True, refit=False).fit(X, Y)
    search.set_params(param_grid={"value": [1, 2]}).fit(X, Y)
    assert Counting.n_fits == 6
    search.set_params(cv=ShuffleSplit(3, test_size=0.5))
    with pytest.raises(ValueError, match="folds"):
        search.fit(X, Y)


class Restless(KFold):
    """Gives other folds each time and does not say so."""

    def split(self, X, y=None, groups=None):
        rows = np.random.permutation(len(X))
        return ((np.sort(rows[train]), np.sort(rows[test])) for train, test in super().split(X))


@pytest.mark.parametrize(
    "cv",
    [
        KFold(3, shuffle=True, random_state=np.random.RandomState(0)),
        ShuffleSplit(3),
        Restless(3),
        list(KFold(3).split(X)),
    ],
)
def test_kept_folds_survive_pickling(counting, cv):
    search = GridSearch(counting, {"value": [1]}, cv=cv, warm_start=True, refit=False).fit(X, Y)
    search = pickle.loads(pickle.dumps(search)).set_params(param_grid={"value": [1, 2]}).fit(X, Y)
    assert (Counting.n_fits, values(search)) == (6, [1, 2])


def test_what_was_evaluated_stays_on_record(iris):
    inner = LogisticRegression(C=1e-4, max_iter=1000)
    search = GridSearch(Pipeline([("clf", SVC())]), {"clf": [inner, SVC()]}, warm_start=True).fit(*iris)
    before = search.cv_results_["mean_test_score"].copy()
    inner.set_params(C=100.0)
    search.best_params_["clf"] = "nonsense"
    search.fit(*iris)
    assert [params["clf"].C for params in search.cv_results_["params"]] == [1e-4, 1.0, 100.0]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"][:2], before)


def test_estimators_that_stay_fitted_are_told_apart_by_what_they_learned(iris):
    X, y = iris
    good, bad = (FrozenEstimator(DummyClassifier().fit(X, labels)) for labels in (y, np.full(len(y), 7)))
    search = GridSearch(Pipeline([("clf", SVC())]), {"clf": [good]}, warm_start=True).fit(X, y)
    search.set_params(param_grid={"clf": [bad, good]}).fit(X, y)
    assert search.cv_results_["mean_test_score"] == pytest.approx([1 / 3, 0])


def test_scores_of_an_edited_metric_are_not_mixed(iris):
    def metric(weight):
        return make_scorer(lambda truth, prediction: weight)

    search = GridSearch(SVC(), {"C": [1]}, scoring=metric(0.0), warm_start=True).fit(*iris)
    search.set_params(scoring=metric(0.0), param_grid={"C": [1, 2]}).fit(*iris)
    assert search.cv_results_["mean_test_score"].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="scoring"):
        search.set_params(scoring=metric(1.0)).fit(*iris)


def test_what_cannot_change_a_score_may_change(iris):
    search = GridSearch(BaggingClassifier(n_estimators=2, random_state=0), {}, warm_start=True).fit(*iris)
    search.estimator.set_params(n_jobs=2, verbose=0)
    assert len(search.fit(*iris).history_) == 1


@pytest.mark.parametrize("error_score", ["raise", -5.0])
def test_known_failures_get_the_present_error_score(error_score):
    search = GridSearch(Failing(bad=(1,)), {"value": [0, 1]}, cv=2, warm_start=True)
    with pytest.warns(match="2 fits failed"), pytest.warns(match="non-finite"):
        search.fit(X, Y)
    search.set_params(error_score=error_score, param_grid={"value": [0, 1, 2]})
    if error_score == "raise":
        with pytest.warns(match="non-finite"):
            search.fit(X, Y)
    else:
        search.fit(X, Y)
    expected = np.nan if error_score == "raise" else -5.0
    np.testing.assert_equal(search.cv_results_["mean_test_score"][1], expected)


def test_a_scorer_of_several_metrics_that_fails_at_first(iris):
    def scorer(estimator, X, y):
        if estimator.C == 1:
            raise ArithmeticError("cannot score this")
        return {"a": 1.0, "b": 2.0}

    with pytest.warns(match="cannot score this"), pytest.warns(match="non-finite"):
        search = GridSearch(SVC(), {"C": [1, 2]}, scoring=scorer, refit="a").fit(*iris)
    np.testing.assert_equal(search.cv_results_["mean_test_b"], [np.nan, 2.0])


def test_an_estimator_that_can_do_without_a_target():
    class Lonely(Null):
        def fit(self, X, y=None):
            return self

        def score(self, X, y=None):
            return self.value

    assert GridSearch(Lonely(), {"value": [0, 1]}).fit(X).best_params_ == {"value": 1}


def test_drawing_has_no_side_effects():
    class Counter:
        n = 0

        def rvs(self, random_state=None):
            self.n += 1
            return self.n

    search = RandomSearch(Null(), {"value": Counter()}, n_iter=3, cv=2).fit(X, Y)
    assert values(search) == [1, 2, 3]


def test_without_warm_start_every_fit_starts_anew(counting):
    search = GridSearch(counting, {"value": [1]}, cv=2, refit=False).fit(X, Y).fit(X + 1, Y)
    assert Counting.n_fits == 4
    assert len(search.history_) == 1


def test_a_warm_start_survives_pickling(counting):
    search = GridSearch(counting, {"value": [1]}, cv=2, warm_start=True, refit=False).fit(X, Y)
    search = pickle.loads(pickle.dumps(search)).set_params(param_grid={"value": [1, 2]}).fit(X, Y)
    assert (Counting.n_fits, values(search)) == (4, [1, 2])


# -- previous ----------------------------------------------------------------------------------------------------------


def test_candidates_of_a_comparable_search_are_known(counting):
    first = GridSearch(counting, {"value": [1, 2]}, cv=2, refit=False).fit(X, Y)
    second = GridSearch(counting, {"value": [2, 3]}, cv=2, refit=False, previous=first).fit(X, Y)
    assert Counting.n_fits == 6
    assert values(second) == [1, 2, 3]
    random = RandomSearch(counting, {"value": stats.randint(2, 4)}, n_iter=20, cv=2, refit=False, previous=second)
    random.set_params(random_state=0, unique=False).fit(X, Y)
    assert (random.history_.n_earlier_trials, len(random.history_)) == (3, 21)  # 2 of 20 draws are known
    manual = ManualSearch(counting, [{"value": 4}, {"value": 1}], cv=2, refit=False, previous=second).fit(X, Y)
    assert values(manual) == [1, 2, 3, 4]


def test_previous_survives_a_clone(iris):
    first = GridSearch(SVC(), {"C": [1.0, 2.0]}).fit(*iris)
    second = GridSearch(SVC(), {"C": [2.0, 3.0]}, previous=first)
    assert len(clone(second).fit(*iris).history_) == 3
    assert not [name for name in second.get_params() if name.startswith("previous__")]
    with pytest.warns(match="not used"):  # in each part the data is another
        assert len(cross_val_score(second, *iris, cv=2)) == 2


@pytest.mark.parametrize("kind", ["other folds", "scikit-learn", "mapping", "frame", "csv"])
@pytest.mark.parametrize("several", [False, True])
def test_other_scores_are_knowledge_only(iris, kind, several, tmp_path):
    scoring = {"scoring": ["accuracy", "f1_macro"], "refit": "accuracy"} if several else {}
    grid = [{"C": [0.1, 1.0]}, {"C": [1.0], "kernel": ["linear"]}]
    maker = GridSearch if kind == "other folds" else GridSearchCV
    first = previous = maker(SVC(), grid, cv=3, **scoring).fit(*iris)
    if kind in ("mapping", "frame", "csv"):
        previous = first.cv_results_ if kind == "mapping" else pd.DataFrame(first.cv_results_)
    if kind == "csv":
        previous.to_csv(tmp_path / "results.csv", index=False)
        previous = pd.read_csv(tmp_path / "results.csv")
    search = GridSearch(SVC(), {"C": [1.0]}, previous=previous, **scoring)
    with pytest.warns(UserWarning, match="the 3 candidates of previous are not used"):
        search.fit(*iris)
    assert len(search.cv_results_["params"]) == 1
    prior = search.history_.prior
    assert [params_key(t.candidate.params) for t in prior] == [params_key(p) for p in first.cv_results_["params"]]
    metric = "accuracy" if several else "score"
    for trial, row in zip(prior, range(3), strict=True):
        scores = [f.test_score["accuracy"] if several else f.test_score for f in trial.folds]
        assert scores == pytest.approx([first.cv_results_[f"split{i}_test_{metric}"][row] for i in range(3)])


@pytest.mark.parametrize(
    "previous, error, message",
    [
        (SVC(), ValueError, "previous must be fitted"),
        (GridSearch(SVC(), {"C": [1]}), ValueError, "previous must be fitted"),
        (3, TypeError, "previous must be a fitted search, a cv_results_ mapping"),
        ({"a": [1]}, ValueError, "previous is no cv_results_: it has no column mean_test_"),
        ({"mean_test_score": [1.0]}, ValueError, "neither a column params .* nor columns param_"),
    ],
)
def test_bad_previous(iris, previous, error, message):
    with pytest.raises(error, match=message):
        GridSearch(SVC(), {"C": [1]}, previous=previous).fit(*iris)


def test_a_summary_without_folds_is_read_too(iris):
    previous = {"mean_test_score": [0.5], "param_C": [3.0]}
    with pytest.warns(match="not used"):
        search = GridSearch(SVC(), {"C": [1]}, previous=previous).fit(*iris)
    (trial,) = search.history_.prior
    assert (trial.candidate.params, [f.test_score for f in trial.folds]) == ({"C": 3.0}, [0.5])


# -- ManualSearch ------------------------------------------------------------------------------------------------------


def test_manual_search_shows_the_estimators_own_values(iris):
    search = ManualSearch(SVC(), [{}, {"C": 10}, {"kernel": "linear"}]).fit(*iris)
    assert search.cv_results_["params"] == [
        {"C": 1.0, "kernel": "rbf"},
        {"C": 10, "kernel": "rbf"},
        {"C": 1.0, "kernel": "linear"},
    ]
    assert search.cv_results_["param_kernel"].tolist() == ["rbf", "rbf", "linear"]
    grid = GridSearch(SVC(), {"C": [1.0, 10]}).fit(*iris)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"][:2], grid.cv_results_["mean_test_score"])


def test_parameters_that_a_candidate_cannot_have_stay_masked(iris):
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    search = ManualSearch(pipe, [{"clf__gamma": 0.1}, {"clf": LogisticRegression(), "clf__C": 3.0}]).fit(*iris)
    assert search.cv_results_["param_clf__gamma"].tolist() == [0.1, None]
    assert search.cv_results_["param_clf__C"].tolist() == [1.0, 3.0]


def test_evaluate_one_more_point(iris, capsys):
    search = ManualSearch(SVC(), [{"C": 0.01}]).fit(*iris)
    before = search.best_score_
    score = search.evaluate(*iris, C=10.0)
    said = capsys.readouterr().out
    assert said == (
        f"C=10.0: score {score:.4f} ± {search.cv_results_['std_test_score'][1]:.4f}, "
        f"{score - before:+.4f} against the best so far ({before:.4f})\n"
    )
    assert score == search.cv_results_["mean_test_score"][1] == search.best_score_
    assert search.best_params_ == {"C": 10.0}
    assert search.best_estimator_.C == 10.0  # the new best is refitted
    assert search.evaluate(*iris, C=0.1) < score
    assert search.best_estimator_.C == 10.0
    assert len(search.leaderboard()) == 3


def test_evaluate_before_fit_and_fit_after_it(counting, capsys):
    search = ManualSearch(counting, [{"value": 1}, {"value": 2}], cv=2, warm_start=True, refit=False)
    assert search.evaluate(X, Y, value=2) == 2.0
    assert capsys.readouterr().out == "value=2: score 2.0000 ± 0.0000\n"
    search.fit(X, Y)
    assert (values(search), Counting.n_fits) == ([2, 1], 4)


def test_a_point_that_was_tried_is_not_tried_again(counting, capsys):
    search = ManualSearch(counting, [{"value": 3}, {}], cv=2, refit=False).fit(X, Y)
    assert search.evaluate(X, Y, value=3) == 3.0
    assert search.evaluate(X, Y, value=0) == 0.0  # the estimator's own value
    assert search.evaluate(X, Y) == 0.0
    assert Counting.n_fits == 4
    assert capsys.readouterr().out.splitlines() == [
        "tried before: value=3: score 3.0000 ± 0.0000, +3.0000 against the best of the others (0.0000)",
        "tried before: value=0: score 0.0000 ± 0.0000, -3.0000 against the best of the others (3.0000)",
        "tried before: the estimator as it is: score 0.0000 ± 0.0000, -3.0000 against the best of the others (3.0000)",
    ]


def test_evaluate_with_several_metrics(iris, capsys):
    search = ManualSearch(SVC(), [{}], scoring=["accuracy", "f1_macro"], refit="f1_macro").fit(*iris)
    score = search.evaluate(*iris, C=2.0)
    assert set(score) == {"accuracy", "f1_macro"}
    assert re.match(r"C=2.0: accuracy .* \(0.9667\); f1_macro .* \(0.9666\)", capsys.readouterr().out)


def test_evaluate_tells_of_a_failure(capsys):
    search = ManualSearch(Failing(bad=(1,)), [{}], cv=2).fit(X, Y)
    with pytest.warns(match="(?s)All the 2 new fits failed.*no luck with 1"), pytest.warns(match="non-finite"):
        assert np.isnan(search.evaluate(X, Y, value=1))
    assert "2 of 2 folds failed: ArithmeticError: no luck with 1" in capsys.readouterr().out
    assert search.best_params_ == {"value": 0}


def test_evaluate_uses_the_same_folds_and_fit_parameters():
    search = ManualSearch(WeightedNull(), [{}], cv=KFold(2, shuffle=True)).fit(X, Y, sample_weight=np.arange(12))
    search.evaluate(X, Y, value=1)
    assert len(search.history_) == 2
    with pytest.raises(ValueError, match="scores cannot be compared with new ones: data"):
        search.evaluate(X + 1, Y, value=2)
    with pytest.raises(ValueError, match=r"Invalid parameter 'valeu' .* Did you mean 'value'"):
        search.evaluate(X, Y, valeu=2)
    assert len(search.history_) == 2


def test_manual_search_keeps_to_its_constraint():
    search = ManualSearch(Null(), [{"value": 1}, {"value": 2}], cv=2, constraint=lambda p: p.get("value", 0) < 2)
    with pytest.warns(UserWarning, match="constraint rejects 1 of 2 candidates"):
        assert values(search.fit(X, Y)) == [1]
    with pytest.raises(ValueError, match=r"constraint rejects \{'value': 5\}"):
        search.evaluate(X, Y, value=5)
    with pytest.raises(ValueError, match="constraint rejects every candidate"):
        search.set_params(candidates=[{"value": 3}, {"value": 4}]).fit(X, Y)


def test_a_constraint_sees_the_estimators_own_values():
    search = ManualSearch(SVC(C=3), [{}, {"C": 1.0}], cv=2, constraint=lambda p: p["C"] < 2 and p["kernel"] == "rbf")
    with pytest.warns(UserWarning, match="constraint rejects 1 of 2"):
        assert search.fit(X, Y).cv_results_["params"] == [{"C": 1.0}]


def test_evaluate_refits_whenever_another_candidate_becomes_the_best(iris):
    def middle(results):
        return int(np.argsort(results["mean_test_score"])[len(results["params"]) // 2])

    search = ManualSearch(SVC(), [{"C": 1e-4}, {"C": 0.1}, {"C": 0.3}], refit=middle).fit(*iris)
    for C in (1e-5, 10.0, 20.0):
        search.evaluate(*iris, C=C)
        assert search.cv_results_["param_C"][search.best_index_] == search.best_estimator_.C
    known = ManualSearch(SVC(), [], previous=search, refit=True)
    known.evaluate(*iris, C=1e-5)  # the first thing that this search does, and not the best
    assert known.best_estimator_.C == known.cv_results_["param_C"][known.best_index_] != 1e-5


def test_evaluate_what_was_tried_by_a_fit_that_stopped(capsys):
    search = ManualSearch(Failing(bad=(1,)), [{"value": 2}, {"value": 1}], cv=2, error_score="raise")
    with pytest.raises(ArithmeticError):
        search.fit(X, Y)
    assert search.evaluate(X, Y, value=2) == pytest.approx(search.best_score_)
    assert capsys.readouterr().out.startswith("tried before: value=2: score")


def test_parameters_may_be_called_estimator(iris, capsys):
    bagging = BaggingClassifier(SVC(), n_estimators=2, random_state=0)
    search = ManualSearch(bagging, [{}], cv=2).fit(*iris)
    search.evaluate(*iris, estimator=LogisticRegression(max_iter=300))
    assert "estimator=LogisticRegression" in capsys.readouterr().out


def test_evaluate_on_folds_that_come_once(iris):
    search = ManualSearch(SVC(), [{}], cv=StratifiedKFold(3).split(*iris)).fit(*iris)
    search.evaluate(*iris, C=2.0)
    assert len(search.history_) == 2


def test_evaluate_after_a_refused_fit():
    search = ManualSearch(WeightedNull(), [{}], cv=KFold(2, shuffle=True), warm_start=True)
    search.fit(X, Y, sample_weight=np.arange(12))
    with pytest.raises(ValueError, match="data"):
        search.fit(X, Y)
    with pytest.raises(ValueError, match="folds"):
        search.set_params(cv=3).fit(X, Y, sample_weight=np.arange(12))
    search.set_params(cv=search._folds.cv).evaluate(X, Y, value=1)  # as if nothing had happened
    assert len(search.history_) == 2


def test_small_scores_are_not_rounded_away(iris, capsys):
    search = ManualSearch(SVC(), [{}], scoring=lambda e, X, y: 1e-7 * e.C).fit(*iris)
    search.evaluate(*iris, C=3.0)
    assert "score 3e-07 ± 0, +2e-07 against the best so far (1e-07)" in capsys.readouterr().out
    assert "3e-07" in search.leaderboard_text()


# -- leaderboard -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "search",
    [
        GridSearch(SVC(), {"C": [0.1, 1, 10]}),
        RandomSearch(SVC(), {"C": [0.1, 1, 10]}, n_iter=3),
        ManualSearch(SVC(), [{"C": 1}]),
    ],
)
def test_leaderboards(iris, search):
    search = clone(search)
    with pytest.raises(AttributeError, match="not fitted yet"):
        search.leaderboard()
    search.fit(*iris)
    board = search.leaderboard(n=2)
    assert board["score"].iloc[0] == search.best_score_
    assert board.index[0] == search.best_index_
    assert board["param_C"].iloc[0] == search.best_params_["C"]
    assert len(board) == min(2, len(search.history_))
    assert f"{search.best_score_:.4f}" in search.leaderboard_text().splitlines()[2]


@pytest.mark.parametrize("n", [0, -1])
def test_leaderboards_have_rows(iris, n):
    with pytest.raises(ValueError, match="n == "):
        GridSearch(SVC(), {"C": [1]}).fit(*iris).leaderboard(n)


def test_a_fit_that_fails_leaves_the_old_leaderboard(iris):
    search = GridSearch(SVC(), {"C": [1, 2, 3]}).fit(*iris)
    before = search.leaderboard_text()
    with pytest.raises(ValueError, match="C"):
        search.set_params(param_grid={"C": [5, -1]}, error_score="raise").fit(*iris)
    assert search.leaderboard_text() == before


def test_leaderboard_follows_the_metric_of_the_refit(iris):
    grid = {"C": [0.01, 1, 10]}
    search = GridSearch(SVC(), grid, scoring=["accuracy", "f1_macro"], refit="f1_macro").fit(*iris)
    assert search.leaderboard()["score"].iloc[0] == search.best_score_
    search.set_params(refit=False).fit(*iris)
    assert search.leaderboard()["score"].iloc[0] == search.cv_results_["mean_test_accuracy"].max()
