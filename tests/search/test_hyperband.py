"""HyperbandSearchCV: what runs is what was planned, whoever runs it, and survivors go on."""

import tempfile

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy import stats
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import BayesSearchCV, HyperbandSearchCV, RandomSearch, register_continuation
from skhpt.fitting import warm_start
from skhpt.fitting.checkpoints import Checkpoints
from skhpt.history import History
from tests.estimators import Failing, Null, OtherForest

FOREST = RandomForestClassifier(9, random_state=0)
DEPTHS = {"max_depth": stats.randint(1, 9), "max_features": stats.uniform(0.1, 0.9)}
SGD = make_pipeline(StandardScaler(), SGDClassifier(max_iter=9, random_state=0))
ALPHAS = {"sgdclassifier__alpha": stats.loguniform(1e-6, 1e1), "sgdclassifier__eta0": stats.loguniform(1e-3, 10)}
QUALITIES = {"quality": stats.uniform(0, 1), "start": stats.uniform(0, 1)}
SCHEDULES = ["ladder", "hyperband", "halving"]
pytestmark = pytest.mark.filterwarnings("ignore:with .* candidates rank differently")


class FailsLater(Null):
    """Fails with more than the least training."""

    def __init__(self, value=0, size=1):
        self.value = value
        self.size = size

    def fit(self, X, y):
        if self.size > 1:
            raise ArithmeticError("too much")
        return super().fit(X, y)


class Grower(ClassifierMixin, BaseEstimator):
    """Its score is its quality, less what it lacks of training; it counts its fits, and can go on."""

    def __init__(self, quality=0.5, size=9, start=0.0):
        self.quality = quality
        self.size = size
        self.start = start

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y):
        return self.quality - self.start / self.size


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def same(one, other, but=()):
    """Compare tables of results, times and the columns `but` aside."""
    one, other = (pd.DataFrame(results) for results in (one, other))
    columns = [name for name in one if "time" not in name and name not in but]
    pd.testing.assert_frame_equal(one[columns], other[columns])


# -- what runs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(
    ("estimator", "space", "resource"),
    [
        (FOREST, DEPTHS, "n_estimators"),
        (SGD, ALPHAS, "epochs"),
        (SVC(), {"C": stats.loguniform(0.01, 100)}, "n_samples"),
        (SVC(), {"C": stats.loguniform(0.01, 100)}, "folds"),
    ],
)
def test_the_plan_is_what_runs(iris, schedule, estimator, space, resource):
    search = HyperbandSearchCV(
        estimator, space, resource=resource, schedule=schedule, n_candidates=20, random_state=0, cv=3
    )
    plan = search.plan(*iris)
    search.fit(*iris)
    assert search.plan_ == plan
    results = pd.DataFrame(search.cv_results_)
    for row in plan:
        rows = results[(results["bracket"] == row["bracket"]) & (results["rung"] == row["rung"])]
        assert len(rows) == row["n_candidates"]
        assert set(rows["n_resources"]) == {row["n_resources"]}
        scores = rows[[f"split{i}_test_score" for i in range(3)]]
        assert (scores.notna().sum(axis=1) == row["n_folds"]).all()
    assert len(results) == plan.n_rows
    assert search.resource_ == resource
    assert search.n_resources_[-1] == search.max_resources_
    assert sum(search.n_candidates_) == plan.n_rows


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_best_have_all_there_is_and_come_first(iris, schedule):
    search = HyperbandSearchCV(FOREST, DEPTHS, schedule=schedule, n_candidates=20, random_state=0).fit(*iris)
    results = search.cv_results_
    top = (results["n_resources"] == 9) & (results["n_folds"] == 5)
    assert results["rank_test_score"][top].max() < results["rank_test_score"][~top].min()
    assert results["rank_test_score"][search.best_index_] == 1
    assert search.best_score_ == results["mean_test_score"][top].max()
    assert search.best_params_["n_estimators"] == 9
    best = clone(FOREST).set_params(**search.best_params_)
    np.testing.assert_allclose(cross_val_score(best, *iris, cv=5).mean(), search.best_score_)
    assert search.best_estimator_.n_estimators == 9
    assert len(search.best_estimator_.estimators_) == 9


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("estimator", "space"), [(FOREST, DEPTHS), (SGD, ALPHAS)], ids=["forest", "epochs"])
def test_survivors_go_on_as_if_they_were_fresh(iris, schedule, estimator, space):
    search = HyperbandSearchCV(estimator, space, schedule=schedule, n_candidates=20, random_state=0, cv=3)
    went_on = search.fit(*iris).cv_results_
    again = clone(search).set_params(continuation="never").fit(*iris)
    assert (went_on["resumed_from"] > 0).any()
    assert not again.cv_results_["resumed_from"].any()
    same(
        *(
            {name: column for name, column in results.items() if name != "resumed_from"}
            for results in (went_on, again.cv_results_)
        )
    )
    assert search.plan_.full_fits < again.plan_.full_fits


def test_what_a_checkpoint_loses_is_trained_again(iris, monkeypatch):
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=27, random_state=0, cv=3)
    whole = search.fit(*iris).cv_results_
    monkeypatch.setattr(Checkpoints, "take", lambda self, key: None)
    lost = search.fit(*iris).cv_results_
    assert not lost["resumed_from"].any()
    same(whole, lost, but=["resumed_from"])


def test_models_do_go_on(iris, monkeypatch):
    taken = []
    take = Checkpoints.take
    monkeypatch.setattr(Checkpoints, "take", lambda self, key: taken.append(take(self, key)) or taken[-1])
    search = HyperbandSearchCV(FOREST, DEPTHS, random_state=0, cv=3, n_candidates=27).fit(*iris)
    assert [checkpoint.resource for checkpoint in taken if checkpoint] == [1] * 9 + [3] * 3
    assert search.plan_.full_fits == pytest.approx(27 / 9 + 9 * 2 / 9 + 3 * 2 / 3 + 1 * 2)


@pytest.mark.parametrize(
    "options",
    [{"schedule": "ladder", "n_candidates": 100}, {"schedule": "hyperband"}, {"sampler": "bayes", "n_candidates": 81}],
    ids=["ladder", "hyperband", "bayes"],
)
def test_the_same_for_any_number_of_workers(iris, options):
    search = HyperbandSearchCV(Grower(), QUALITIES, resource="size", random_state=0, cv=3, **options)
    one = search.fit(*iris).cv_results_
    for n_jobs in (2, 4):
        with parallel_config("threading", n_jobs=n_jobs):
            same(one, clone(search).fit(*iris).cv_results_)


def test_models_go_on_in_other_processes(iris, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=18, random_state=0, cv=3)
    one = search.fit(*iris).cv_results_
    with parallel_config("loky", n_jobs=2):
        same(one, clone(search).fit(*iris).cv_results_)
    assert not list(tmp_path.glob("skhpt-*"))  # nothing is left behind


def test_a_model_that_has_converged_carries_its_score_up(iris):
    estimator = make_pipeline(StandardScaler(), LogisticRegression(max_iter=900))
    space = {"logisticregression__C": stats.loguniform(1e-3, 1)}
    search = HyperbandSearchCV(estimator, space, resource="logisticregression__max_iter", random_state=0, cv=3)
    results = search.set_params(schedule="halving", n_candidates=9).fit(*iris).cv_results_
    higher = results["rung"] > 0
    assert (results["mean_fit_time"][higher] == 0).all()
    assert (results["mean_fit_time"][~higher] > 0).all()
    best = cross_val_score(clone(estimator).set_params(**search.best_params_), *iris, cv=3).mean()
    assert search.best_score_ == pytest.approx(best)


def test_epochs_refit_like_the_search(iris):
    search = HyperbandSearchCV(SGD, ALPHAS, n_candidates=9, random_state=0, cv=3).fit(*iris)
    assert search.resource_ == "epochs"
    assert search.best_estimator_[-1].t_ == 1 + 9 * len(iris[0])
    assert "max_iter" not in search.best_params_


# -- the resource ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "space", "resource", "maximum"),
    [
        (FOREST, DEPTHS, "n_estimators", 9),
        (HistGradientBoostingClassifier(), {"max_depth": [1, 2, 3]}, "max_iter", 100),
        (
            make_pipeline(StandardScaler(), FOREST),
            {"standardscaler__with_std": [True, False]},
            "randomforestclassifier__n_estimators",
            9,
        ),
        (FOREST, {"n_estimators": [1, 2, 3]}, "folds", 5),
        (SGD, ALPHAS, "epochs", 9),
        (SGDClassifier(), {"alpha": [1, 2, 3]}, "folds", 5),  # 1000 iterations are not meant to be done
        (SGDClassifier(max_iter=9, early_stopping=True), {"alpha": [1, 2, 3]}, "folds", 5),
        (SGDClassifier(max_iter=9, class_weight="balanced"), {"alpha": [1, 2, 3]}, "folds", 5),
        (SGDClassifier(max_iter=9), {"class_weight": [None, "balanced"], "alpha": [1, 2]}, "folds", 5),
        (MiniBatchKMeans(), {"n_clusters": [1, 2, 3]}, "folds", 5),
        (MLPClassifier(max_iter=50), {"alpha": [1, 2, 3]}, "epochs", 50),
        (MLPClassifier(), {"max_iter": [1, 2, 3]}, "folds", 5),
        (GradientBoostingClassifier(n_iter_no_change=3), {"max_depth": [1, 2, 3]}, "folds", 5),
        (SVC(), {"C": [1, 2, 3]}, "folds", 5),
        (make_pipeline(FOREST), {"randomforestclassifier": [FOREST, SVC()]}, "folds", 5),
    ],
)
def test_auto(iris, estimator, space, resource, maximum):
    search = HyperbandSearchCV(estimator, space, n_candidates=2)
    plan = search.plan(*iris)
    assert (plan.resource, plan.max_resources) == (resource, maximum)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resource": "max_depth"}, "also a parameter of the space; .* such as 'n_samples' or 'folds'"),
        ({"resource": "trees"}, "neither 'auto'.* its integer parameters are .*'n_estimators'"),
        ({"resource": "criterion"}, "not an integer parameter: the estimator has 'gini'"),
        ({"resource": "max_leaf_nodes"}, "max_leaf_nodes=None; say what max_resources is"),
        ({"resource": "epochs"}, "'epochs' needs partial_fit, which RandomForestClassifier has not; resource='n_s"),
        ({"min_resources": 28}, "min_resources=28, but there are only 9 n_estimators: .* is 9"),
        ({"resource": "n_samples", "max_resources": 101}, "max_resources=101, but .* has 100 samples"),
        (
            {"resource": "n_samples", "max_resources": 5},
            "the first rung needs 6 at least, but there are only 5",
        ),
        ({"resource": "folds", "max_resources": 2}, "max_resources=2, but with resource='folds' it is their number, 3"),
        ({"factor": 1}, "The 'factor' parameter"),
        ({"schedule": "asha"}, "The 'schedule' parameter .* {'.*'}"),
    ],
)
def test_bad_input_is_refused_before_any_fit(iris, options, message, monkeypatch):
    monkeypatch.setattr(RandomForestClassifier, "fit", lambda self, X, y: pytest.fail("fitted"))
    search = HyperbandSearchCV(FOREST, DEPTHS, cv=3, **options)
    with pytest.raises(ValueError, match=message):
        search.fit(*iris)
    assert not hasattr(search, "history_")


def test_rows_are_subsampled_and_the_test_fold_is_whole(iris):
    sizes = []

    class Counting(Null):
        def fit(self, X, y):
            self.n_fitted_ = (len(X), *np.bincount(y, minlength=3))
            return super().fit(X, y)

        def score(self, X, y):
            sizes.append((*self.n_fitted_, len(X)))
            return self.value / 10

    search = HyperbandSearchCV(
        Counting(), {"value": list(range(9))}, resource="n_samples", n_candidates=9, cv=3, random_state=0
    ).fit(*iris)
    assert search.n_resources_ == [11, 33, 100, 100]
    assert {size[0] for size in sizes} == {11, 33, 99, 100, 101} or {size[0] for size in sizes} == {11, 33, 100}
    assert all(min(size[1:4]) >= size[0] // 3 - 1 for size in sizes)
    assert all(size[-1] == 50 for size in sizes)


def test_rows_of_groups_and_of_time_series(iris):
    rows = []

    class Watching(Null):
        def fit(self, X, y):
            rows.append(X[:, 0].astype(int))
            return super().fit(X, y)

    X, y, groups = np.arange(150).reshape(-1, 1), np.tile([0, 1, 2], 50), np.repeat(np.arange(30), 5)
    options = {"resource": "n_samples", "n_candidates": 9, "random_state": 0, "refit": False}
    search = HyperbandSearchCV(Watching(), {"value": list(range(9))}, **options)
    search.set_params(cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert {len(some) for some in rows} == {10, 30, 100}
    assert all(np.bincount(groups[some]).max() == 5 and len(some) % 5 == 0 for some in rows)
    rows.clear()
    search.set_params(cv=TimeSeriesSplit(3)).fit(X, y)
    assert all((np.diff(some) == 1).all() for some in rows)
    assert {some[-1] for some in rows} == {38, 75, 112}
    assert len({len(some) for some in rows}) > 3


def test_less_than_all_rows(iris):
    sizes = []

    class Sizes(Null):
        def fit(self, X, y):
            sizes.append(len(X))
            return super().fit(X, y)

    search = HyperbandSearchCV(Sizes(), {"value": [1, 2, 3]}, resource="n_samples", max_resources=50, n_candidates=3)
    search.set_params(refit=False, cv=3).fit(*iris)
    assert set(sizes) == {16, 50}


# -- decisions ---------------------------------------------------------------------------------------------------------


def test_failing_candidates(iris):
    space = {"value": list(range(9))}
    search = HyperbandSearchCV(Failing(bad=(8, 7, 6, 5, 4, 3)), space, n_candidates=9, cv=3, random_state=0)
    with pytest.warns(Warning, match="non-finite|fits failed"):
        search.fit(*iris)
    assert "failed" in search.cv_results_["state"]
    assert search.best_params_["value"] < 3


@pytest.mark.filterwarnings("default:with .* candidates rank differently")
def test_a_misleading_rung_is_reported(iris):
    search = HyperbandSearchCV(
        Grower(), {"start": stats.uniform(0, 9), "quality": [0.5]}, resource="size", max_resources=9, random_state=0
    )
    search.fit(*iris)
    np.testing.assert_allclose(search.rung_correlations_[:2], 1.0)

    class Misleading(Grower):
        def score(self, X, y):
            return self.start if self.size < 3 else -self.start

    search.set_params(estimator=Misleading())
    with pytest.warns(UserWarning, match="with size=1 candidates rank differently .* correlation is -1.00, over 27"):
        search.fit(*iris)


# -- with others -------------------------------------------------------------------------------------------------------


def test_several_metrics(iris):
    scoring, options = ["accuracy", "neg_log_loss"], {"n_candidates": 9, "random_state": 0, "cv": 3}
    search = HyperbandSearchCV(FOREST, DEPTHS, scoring=scoring, refit="neg_log_loss", **options).fit(*iris)
    single = HyperbandSearchCV(FOREST, DEPTHS, scoring="neg_log_loss", **options).fit(*iris)
    assert search.best_params_ == single.best_params_
    assert search.cv_results_["rank_test_neg_log_loss"][search.best_index_] == 1
    with pytest.raises(ValueError, match="multi-metric scoring"):
        HyperbandSearchCV(FOREST, DEPTHS, scoring=scoring).fit(*iris)


def test_warm_start_adds_brackets(iris):
    options = {"resource": "size", "random_state": 0, "cv": 3}
    search = HyperbandSearchCV(Grower(), QUALITIES, n_candidates=81, warm_start=True, **options).fit(*iris)
    n_before = len(search.history_)
    search.set_params(n_candidates=162).fit(*iris)
    whole = HyperbandSearchCV(Grower(), QUALITIES, n_candidates=162, **options).fit(*iris)
    same(search.cv_results_, whole.cv_results_)
    assert n_before < len(search.history_)
    with pytest.raises(ValueError, match="does not begin with the old one"):
        search.set_params(schedule="halving").fit(*iris)
    assert len(search.history_) == len(whole.history_)


def test_what_was_interrupted_goes_on(iris, monkeypatch):
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=27, max_resources=9, random_state=0, cv=3, warm_start=True)
    whole = clone(search).fit(*iris).cv_results_
    for n in (5, 27, 31, 38):
        search = clone(search)
        finish_next, left = History.finish_next, [n]

        def interrupted(self, *args, finish_next=finish_next, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            finish_next(self, *args)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(History, "finish_next", interrupted)
            search.fit(*iris)
        assert len(search.history_) == n
        same(whole, search.fit(*iris).cv_results_, but=["resumed_from"])


def test_previous(iris):
    first = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=9, random_state=0, cv=3).fit(*iris)
    second = clone(first).set_params(previous=first, random_state=1).fit(*iris)
    results = second.cv_results_
    assert set(results["bracket"]) == {0, 1}
    assert set(results["candidate_id"]) == set(range(18))
    assert len(results["params"]) == 2 * len(first.history_)
    assert second.best_score_ >= first.best_score_


def test_previous_of_another_schedule(iris):
    first = HyperbandSearchCV(FOREST, DEPTHS, schedule="hyperband", random_state=0, cv=3).fit(*iris)
    for options in ({}, {"min_resources": 9}, {"factor": 2}):
        options = {"previous": first, "n_candidates": 4, "random_state": 1, "cv": 3, **options}
        second = HyperbandSearchCV(FOREST, DEPTHS, **options).fit(*iris)
        results = second.cv_results_
        top = (results["n_resources"] == 9) & (results["n_folds"] == 3)
        assert second.best_score_ == results["mean_test_score"][top].max() >= first.best_score_
        assert second.n_resources_[0] == second.plan_.brackets[0].rungs[0].resource
        assert sum(second.n_candidates_) == second.plan_.n_rows


@pytest.mark.parametrize(("resource", "n_at_the_top"), [("auto", 1), ("folds", 3)])
def test_other_searches_learn_from_what_had_all_training(iris, resource, n_at_the_top):
    first = HyperbandSearchCV(FOREST, DEPTHS, resource=resource, n_candidates=9, random_state=0, cv=3).fit(*iris)
    with pytest.warns(UserWarning, match="are not used"):
        random = RandomSearch(FOREST, DEPTHS, n_iter=2, random_state=0, cv=3, previous=first).fit(*iris)
    with pytest.warns(UserWarning, match="are not used"):
        HyperbandSearchCV(FOREST, DEPTHS, resource=resource, n_candidates=2, cv=3, previous=random).fit(*iris)
    elsewhere = BayesSearchCV(FOREST, DEPTHS, n_iter=3, random_state=0, cv=3, previous=first).fit(*iris)
    assert len(elsewhere.cv_results_["params"]) == 3
    assert len(elsewhere.history_.prior) == n_at_the_top
    HyperbandSearchCV(FOREST, DEPTHS, sampler="bayes", n_candidates=2, cv=3, previous=random).fit(*iris)


def test_nothing_is_left_to_try(iris):
    space = {"max_depth": [1, 2, 3]}
    with pytest.warns(UserWarning, match="81 candidates were asked for .n_candidates., but the space has only 3"):
        first = HyperbandSearchCV(FOREST, space, random_state=0, cv=3).fit(*iris)
    with pytest.warns(UserWarning, match="only 0 left"):
        second = clone(first).set_params(previous=first).fit(*iris)
    assert str(second.plan_) == "nothing to do: there are no candidates"
    assert second.best_score_ == first.best_score_


def test_a_callable_refit_gets_what_it_chose(iris):
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=9, random_state=0, cv=3, refit=lambda results: 0)
    assert search.fit(*iris).best_estimator_.n_estimators == search.best_params_["n_estimators"] == 1


def test_nobody_comes_to_the_top(iris):
    search = HyperbandSearchCV(
        Failing(), {"value": stats.randint(0, 9)}, resource="size", max_resources=9, n_candidates=9, random_state=0
    )
    search.set_params(estimator=FailsLater())
    with (
        pytest.warns(UserWarning, match="the best one is that of a lower rung, with size=1"),
        pytest.warns(UserWarning, match="non-finite"),
        pytest.warns(FitFailedWarning),
    ):
        search.fit(*iris)


def test_metadata_that_cannot_be_routed_is_refused(iris):
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            SGDClassifier(max_iter=9).set_fit_request(sample_weight=True),
        )
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=False)
        with pytest.raises(ValueError, match=r"\['sample_weight'\] cannot be routed to the steps"):
            HyperbandSearchCV(pipe, ALPHAS, resource="epochs", scoring=scorer).fit(*iris, sample_weight=np.ones(150))


def test_a_plan_does_not_use_up_a_generator(iris):
    cv = StratifiedKFold(3)
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=3, cv=cv.split(*iris))
    with pytest.raises(ValueError, match="plan would use up cv, which is a generator; make a list of it"):
        search.plan(*iris)
    assert len(search.set_params(cv=list(cv.split(*iris))).plan(*iris).brackets) == 1


def test_registered_elsewhere_goes_on_in_other_processes(iris, monkeypatch):
    monkeypatch.setattr(warm_start, "_known", dict(warm_start._known))
    register_continuation(OtherForest, "n_estimators")
    search = HyperbandSearchCV(OtherForest(9, random_state=0), DEPTHS, n_candidates=9, random_state=0, cv=3)
    with parallel_config("loky", n_jobs=2):
        assert (search.fit(*iris).cv_results_["resumed_from"] > 0).sum() == 3 + 1


def test_proposals_find_a_better_place():
    X, y = load_wine(return_X_y=True)
    options = {"resource": "size", "n_candidates": 135, "random_state": 0, "cv": 3}
    random = HyperbandSearchCV(Grower(), QUALITIES, **options).fit(X, y)
    bayes = HyperbandSearchCV(Grower(), QUALITIES, sampler="bayes", **options).fit(X, y)
    assert bayes.best_score_ > random.best_score_
    assert max(bayes.cv_results_["bracket"]) == 4


def test_a_small_space_shrinks_the_plan(iris):
    search = HyperbandSearchCV(FOREST, {"max_depth": [1, 2, 3, 4]}, random_state=0, cv=3)
    with pytest.warns(UserWarning, match="left to try"):
        search.fit(*iris)
    assert search.plan_.n_candidates == 4
    assert sorted(p["max_depth"] for p in search.cv_results_["params"][:4]) == [1, 2, 3, 4]


def test_leaderboard(iris):
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=9, random_state=0, cv=3).fit(*iris)
    board = search.leaderboard(4)
    assert list(board["state"]) == ["ok"] * 4
    assert board["n_resources"].iloc[0] == 9
    assert "n_folds" in search.leaderboard_text()
