"""Searches on a Ray cluster, switched on with joblib's own parallel_config."""

import os
import pickle
import threading

import numpy as np
import pytest
from joblib import parallel_config
from scipy.stats import loguniform
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from skhpt.parallel import ray as ray_backend
from skhpt.parallel.channels import Begun
from skhpt.parallel.cluster import RunningTask
from skhpt.parallel.cluster_call import Output
from skhpt.parallel.pool import Pool, n_workers
from tests.estimators import Counting, Null

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray, which differ in each release

ONE_FOLD = ShuffleSplit(1, random_state=0)
SPACE = {"C": loguniform(1e-2, 1e2), "kernel": ["linear", "rbf"]}
SEARCHES = {
    "grid": lambda: GridSearch(SVC(), {"C": [0.01, 0.1, 1, 10], "kernel": ["linear", "rbf"]}),
    "random": lambda: RandomSearch(SVC(), SPACE, n_iter=8, random_state=0, racing=True),
    "manual": lambda: ManualSearch(SVC(), [{"C": 1}, {"C": 10}], return_predictions=True),
    "bayes": lambda: BayesSearchCV(SVC(), SPACE, n_iter=8, random_state=0, max_pending=2),
    "hyperband": lambda: HyperbandSearchCV(
        SGDClassifier(random_state=0), {"alpha": loguniform(1e-5, 1)}, random_state=0
    ),
    "shared fits": lambda: GridSearch(
        make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.01, 0.1, 1, 10]}, return_train_score=True
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_the_same_results_as_in_this_process(ray_cluster, iris, name):
    here = SEARCHES[name]().fit(*iris)
    with parallel_config("ray"):
        there = SEARCHES[name]().fit(*iris)
    assert here.cv_results_["params"] == there.cv_results_["params"]
    for key in [key for key in here.cv_results_ if key.endswith("_score")]:
        np.testing.assert_array_equal(here.cv_results_[key], there.cv_results_[key])
    if name == "manual":
        np.testing.assert_array_equal(here.out_of_fold_predictions(), there.out_of_fold_predictions())


def test_one_job_is_this_process_unless_fits_need_resources(ray_cluster, iris):
    grid = {"value": [0, 1]}
    Counting.n_fits = 0
    with parallel_config("ray", n_jobs=1):
        GridSearch(Counting(), grid, cv=2, refit=False, fit_resources={"CPU": 1}).fit(*iris)
        assert Counting.n_fits == 0
        GridSearch(Counting(), grid, cv=2, refit=False).fit(*iris)
    assert Counting.n_fits == 4
    Counting.n_fits = 0


class Device(Null):
    """Its score is the number of the devices that it may use."""

    def score(self, X, y):
        return float(os.environ["CUDA_VISIBLE_DEVICES"].replace(",", "."))


@pytest.mark.slow
def test_each_fit_has_the_gpus_that_it_needs(ray_cluster, iris):
    # Ray starts a process for each task with GPUs, so that none keeps the GPUs of the task before.
    def devices(**options):
        search = GridSearch(Device(), {"value": [0]}, cv=ONE_FOLD, refit=False, **options)
        return {fold.test_score for trial in search.fit(*iris).history_ for fold in trial.folds}

    with parallel_config("ray"):
        assert devices(fit_resources={"GPU": 2}) == {0.1}
    with parallel_config("ray", ray_remote_args={"num_gpus": 0.5}):
        assert devices() <= {0, 1}


def test_slots_follow_from_what_fits_need(ray_cluster):
    from skhpt.parallel.fit_resources import check_fit_resources

    with parallel_config("ray"):
        assert n_workers(None) == n_workers(-1) == n_workers(40) == 2
        assert n_workers(None, check_fit_resources({"CPU": 2})) == 1
        assert n_workers(None, check_fit_resources({"CPU": 0.5, "GPU": 0.5})) == 4
        assert n_workers(3, check_fit_resources({"CPU": 0.5, "GPU": 0.5})) == 3
        with Pool(fit_resources=check_fit_resources({"licence": 0.5})) as pool:
            assert pool.n_slots == 2


def test_a_resource_that_no_node_has_is_said_at_once(ray_cluster, iris):
    search = GridSearch(SVC(), {"C": [1]}, fit_resources={"GPU": 4})
    with (
        parallel_config("ray"),
        pytest.raises(ValueError, match=r"no node .* needs CPU=1, GPU=4: the nodes have CPU=2"),
    ):
        search.fit(*iris)


@pytest.mark.slow
def test_more_jobs_than_processors_do_not_hang(ray_cluster, iris):
    with parallel_config("ray", n_jobs=50):
        search = GridSearch(SVC(), {"C": [0.1, 1, 10]}).fit(*iris)
    assert all(trial.state == "ok" for trial in search.history_)


@pytest.mark.slow
def test_estimators_with_jobs_of_their_own_and_inner_searches(ray_cluster, iris):
    def scores(n_jobs):
        forest = RandomForestClassifier(n_estimators=4, random_state=0, n_jobs=n_jobs)
        inner = GridSearch(forest, {"max_depth": [1, 2]}, cv=2, n_jobs=n_jobs)
        outer = GridSearch(inner, {"cv": [2, 3]}, cv=2, refit=False)
        return outer.fit(*iris).cv_results_["mean_test_score"]

    here = scores(None)
    with parallel_config("ray"):
        np.testing.assert_array_equal(scores(2), here)


def total(x):
    yield from ()
    return float(x.sum())


def test_large_values_are_put_once_and_again_if_they_are_lost(ray_cluster, monkeypatch):
    put, references = ray_cluster.put, []
    monkeypatch.setattr(ray_cluster, "put", lambda value: references.append(put(value)) or references[-1])
    x = np.ones(1000)
    with parallel_config("ray"), Pool() as pool:
        for _ in range(5):
            pool.submit(total, x)
        assert len(references) == 1
        results = []
        while pool.n_pending:
            results += [update.result for update in pool.wait() if update.is_done]
        assert results == [1000.0] * 5
        backend = pool.backend
        [token] = backend._sources
        backend._running[99] = RunningTask()
        update = backend._ended(99, Output(None, is_value_lost=True, missing=(token,)))
        assert update.lost == "preempted"
        assert not backend._sources
        pool.submit(total, x)
        assert len(references) == 2
        while pool.n_pending:
            pool.wait()


def test_what_was_sent_as_an_item_is_not_sent_again():
    class Result:
        def without_large_items(self):
            return "small"

    def steps():
        yield Begun(0, 0.0)
        yield "large"
        return Output(Result())

    groups = [pickle.loads(group) for group in ray_backend._grouped(steps())]
    assert groups == [([Begun(0, 0.0)], None), (["large"], Output("small"))]


def test_short_fits_share_a_message_and_the_beginning_of_a_fit_is_not_held_back(monkeypatch):
    def steps():
        for number in range(10):
            yield Begun(number, 0.0)
            yield number
        return Output(None)

    def groups():
        return [pickle.loads(group)[0] for group in ray_backend._grouped(steps())]

    monkeypatch.setattr(ray_backend, "SECONDS_TO_GROUP", 60.0)
    assert [len(group) for group in groups()] == [1, 19]
    monkeypatch.setattr(ray_backend, "SECONDS_TO_GROUP", -1.0)
    assert [len(group) for group in groups()] == [1] + [2] * 9 + [1]


def test_items_that_cannot_be_pickled_are_an_error_of_the_task():
    def steps():
        yield threading.Lock()
        return Output(None)

    [group] = [pickle.loads(group) for group in ray_backend._grouped(steps())]
    assert isinstance(group[1].result.error, TypeError)
