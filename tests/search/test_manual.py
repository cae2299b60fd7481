"""ManualSearch: given candidates, and further points one by one."""

import re

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import GridSearch, ManualSearch
from tests.estimators import Counting, Failing, Null, WeightedNull

X = np.zeros((12, 1))
Y = np.arange(12) % 3


def values(search):
    return [params["value"] for params in search.cv_results_["params"]]


def test_manual_search_shows_the_estimators_own_values(iris):
    search = ManualSearch(SVC(), [{}, {"C": 10}, {"kernel": "linear"}]).fit(*iris)
    assert search.cv_results_["params"] == [
        {"C": 1.0, "kernel": "rbf"},
        {"C": 10, "kernel": "rbf"},
        {"C": 1.0, "kernel": "linear"},
    ]
    assert search.cv_results_["param_kernel"].tolist() == ["rbf", "rbf", "linear"]
    grid = GridSearch(SVC(), {"C": [1.0, 10]}).fit(*iris)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"][:2], grid.cv_results_["mean_test_score"]
    )


def test_parameters_that_a_candidate_cannot_have_stay_masked(iris):
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    search = ManualSearch(pipe, [{"clf__gamma": 0.1}, {"clf": LogisticRegression(), "clf__C": 3.0}]).fit(
        *iris
    )
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


def test_a_point_that_was_evaluated_is_not_evaluated_again(counting, capsys):
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


def test_evaluate_prints_a_failure(capsys):
    search = ManualSearch(Failing(bad=(1,)), [{}], cv=2).fit(X, Y)
    with (
        pytest.warns(match="(?s)All the 2 new fits failed.*no luck with 1"),
        pytest.warns(match="non-finite"),
    ):
        assert np.isnan(search.evaluate(X, Y, value=1))
    assert "2 of 2 folds failed: ArithmeticError: no luck with 1" in capsys.readouterr().out
    assert search.best_params_ == {"value": 0}


def test_evaluate_uses_the_same_folds_and_fit_parameters():
    search = ManualSearch(WeightedNull(), [{}], cv=KFold(2, shuffle=True)).fit(
        X, Y, sample_weight=np.arange(12)
    )
    search.evaluate(X, Y, value=1)
    assert len(search.history_) == 2
    with pytest.raises(ValueError, match="scores cannot be compared with new ones: data"):
        search.evaluate(X + 1, Y, value=2)
    with pytest.raises(ValueError, match=r"Invalid parameter 'valeu' .* Did you mean 'value'"):
        search.evaluate(X, Y, valeu=2)
    assert len(search.history_) == 2


def test_manual_search_applies_its_constraint():
    search = ManualSearch(
        Null(), [{"value": 1}, {"value": 2}], cv=2, constraint=lambda p: p.get("value", 0) < 2
    )
    with pytest.warns(UserWarning, match="constraint rejects 1 of 2 candidates"):
        assert values(search.fit(X, Y)) == [1]
    with pytest.raises(ValueError, match=r"constraint rejects \{'value': 5\}"):
        search.evaluate(X, Y, value=5)
    with pytest.raises(ValueError, match="constraint rejects every candidate"):
        search.set_params(candidates=[{"value": 3}, {"value": 4}]).fit(X, Y)


def test_a_constraint_sees_the_estimators_own_values():
    search = ManualSearch(
        SVC(C=3), [{}, {"C": 1.0}], cv=2, constraint=lambda p: p["C"] < 2 and p["kernel"] == "rbf"
    )
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


def test_evaluate_a_point_of_a_fit_that_was_interrupted(capsys):
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
