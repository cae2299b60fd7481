"""HyperbandSearchCV: rungs and brackets are those of the plan, for any number of workers."""

import tempfile

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import HyperbandSearchCV
from skhpt.fitting.checkpoints import OnDisk, TaskCheckpoints
from tests.estimators import Failing
from tests.search.multi_fidelity import ALPHAS, DEPTHS, FOREST, QUALITIES, SCHEDULES, SGD, Grower, same

pytestmark = pytest.mark.filterwarnings("ignore:with .* candidates rank differently")


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
def test_the_search_follows_its_plan(iris, schedule, estimator, space, resource):
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
def test_the_best_candidates_have_all_of_the_resource_and_rank_first(iris, schedule):
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
def test_continued_training_gives_the_scores_of_new_fits(iris, schedule, estimator, space):
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


def test_a_lost_checkpoint_is_trained_again(iris, monkeypatch):
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=27, random_state=0, cv=3)
    whole = search.fit(*iris).cv_results_
    monkeypatch.setattr(TaskCheckpoints, "load", lambda self, key: None)
    lost = search.fit(*iris).cv_results_
    assert not lost["resumed_from"].any()
    same(whole, lost, but=["resumed_from"])


def test_promoted_models_continue_their_training(iris, monkeypatch):
    taken = []
    load = TaskCheckpoints.load
    monkeypatch.setattr(TaskCheckpoints, "load", lambda self, key: taken.append(load(self, key)) or taken[-1])
    search = HyperbandSearchCV(FOREST, DEPTHS, random_state=0, cv=3, n_candidates=27).fit(*iris)
    assert [checkpoint.resource for checkpoint in taken if checkpoint] == [1] * 9 + [3] * 3
    assert search.plan_.full_fits == pytest.approx(27 / 9 + 9 * 2 / 9 + 3 * 2 / 3 + 1 * 2)


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": "ladder", "n_candidates": 100},
        {"schedule": "hyperband"},
        {"resource": "folds", "n_candidates": 54},
    ],
    ids=["ladder", "hyperband", "bayes"],
)
def test_the_same_for_any_number_of_workers(iris, options):
    options = {"resource": "size", **options}
    search = HyperbandSearchCV(Grower(), QUALITIES, random_state=0, cv=3, **options)
    one = search.fit(*iris).cv_results_
    for n_jobs in (2, 4):
        with parallel_config("threading", n_jobs=n_jobs):
            same(one, clone(search).fit(*iris).cv_results_)


def test_models_continue_their_training_in_worker_processes(iris, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=18, random_state=0, cv=3)
    one = search.fit(*iris).cv_results_
    with parallel_config("loky", n_jobs=2):
        same(one, clone(search).fit(*iris).cv_results_)
    assert not list(tmp_path.glob("skhpt-*"))  # nothing is left behind


class OnOtherMachines(OnDisk):
    """Store that only the process of the search reaches; its copies in workers find no folder."""

    def __reduce__(self):
        return OnDisk, ("/nowhere/at/all",)


@pytest.mark.parametrize(("estimator", "space"), [(FOREST, DEPTHS), (SGD, ALPHAS)], ids=["forest", "epochs"])
def test_models_continue_their_training_on_machines_that_share_no_folder(
    iris, tmp_path, monkeypatch, estimator, space
):
    stores = []
    monkeypatch.setattr(
        "skhpt.session.run.OnDisk", lambda folder: stores.append(OnOtherMachines(folder)) or stores[0]
    )
    search = HyperbandSearchCV(estimator, space, n_candidates=18, random_state=0, cv=3)
    one = search.fit(*iris).cv_results_
    with parallel_config("loky", n_jobs=2, temp_folder=str(tmp_path)):
        same(one, clone(search).fit(*iris).cv_results_)  # also of `resumed_from`
    assert stores[0].folder.parent == tmp_path
    assert (one["resumed_from"] > 0).any()


def test_a_converged_model_keeps_its_score_on_higher_rungs(iris):
    estimator = make_pipeline(StandardScaler(), LogisticRegression(max_iter=900))
    space = {"logisticregression__C": stats.loguniform(1e-3, 1)}
    search = HyperbandSearchCV(
        estimator, space, resource="logisticregression__max_iter", random_state=0, cv=3
    )
    results = search.set_params(schedule="halving", n_candidates=9).fit(*iris).cv_results_
    higher = results["rung"] > 0
    assert (results["mean_fit_time"][higher] == 0).all()
    assert (results["mean_fit_time"][~higher] > 0).all()
    best = cross_val_score(clone(estimator).set_params(**search.best_params_), *iris, cv=3).mean()
    assert search.best_score_ == pytest.approx(best)


def test_models_that_stop_by_tol_are_fitted_as_outside_of_the_search(iris):
    X = StandardScaler().fit_transform(iris[0])
    estimator = SGDClassifier(max_iter=200, random_state=0)
    search = HyperbandSearchCV(
        estimator, {"alpha": stats.loguniform(1e-4, 1)}, n_candidates=9, random_state=0, cv=3
    )
    results = search.fit(X, iris[1]).cv_results_  # without a warning that a part of the iterations is too few
    assert search.resource_ == "max_iter"
    assert (results["mean_fit_time"][results["rung"] == 2] == 0).any()  # converged before
    best = clone(estimator).set_params(**search.best_params_)
    assert search.best_score_ == pytest.approx(cross_val_score(best, X, iris[1], cv=3).mean())


def test_epochs_refit_like_the_search(iris):
    search = HyperbandSearchCV(SGD, ALPHAS, n_candidates=9, random_state=0, cv=3).fit(*iris)
    assert search.resource_ == "epochs"
    assert search.best_estimator_[-1].t_ == 1 + 9 * len(iris[0])
    assert "max_iter" not in search.best_params_


@pytest.mark.parametrize("values", [list(range(1, 201)), range(1, 201), np.arange(1, 201)], ids=type)
def test_candidates_from_lists_are_drawn_at_random(iris, values):
    firsts = []
    for seed in (0, 1):
        search = HyperbandSearchCV(
            SVC(), {"C": values}, resource="folds", n_candidates=20, random_state=seed, cv=3
        )
        candidates = [params["C"] for params in search.fit(*iris).cv_results_["params"][:20]]
        assert 3 < sum(C > 100 for C in candidates) < 17
        firsts.append(candidates)
    assert firsts[0] != firsts[1]


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
        Grower(),
        {"start": stats.uniform(0, 9), "quality": [0.5]},
        resource="size",
        max_resources=9,
        random_state=0,
    )
    search.fit(*iris)
    np.testing.assert_allclose(search.rung_correlations_[:2], 1.0)

    class Misleading(Grower):
        def score(self, X, y):
            return self.start if self.size < 3 else -self.start

    search.set_params(estimator=Misleading())
    with pytest.warns(
        UserWarning, match="with size=1 candidates rank differently .* correlation is -1.00, over 27"
    ):
        search.fit(*iris)
