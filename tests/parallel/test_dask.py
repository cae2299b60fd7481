"""A search on a Dask cluster, switched on with joblib's own parallel_config."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from skhpt import GridSearch
from skhpt.parallel.backends import SerialBackend
from skhpt.parallel.pool import Pool
from skhpt.parallel.processes import ProcessBackend
from tests.estimators import Counting, Failing, Fatal, Null

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask, which differ in each release


def test_the_same_results_as_in_this_process(cluster, iris):
    grid = {"C": [0.01, 0.1, 1, 10], "kernel": ["linear", "rbf"]}
    here = GridSearch(SVC(), grid).fit(*iris)
    with parallel_config("dask"):
        there = GridSearch(SVC(), grid).fit(*iris)
    np.testing.assert_array_equal(here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"])


def test_the_only_worker_of_a_cluster_is_another_process(cluster, iris, monkeypatch):
    from joblib._dask import DaskDistributedBackend

    monkeypatch.setattr(DaskDistributedBackend, "effective_n_jobs", lambda self, n_jobs: 1)
    with parallel_config("dask"):
        search = GridSearch(Counting(), {"value": [0, 1]}, cv=2, refit=False).fit(*iris)
        assert Counting.n_fits == 0
        assert search.cv_results_["mean_test_score"].tolist() == [0, 1]
        GridSearch(Counting(), {"value": [0, 1]}, cv=2, refit=False, n_jobs=1).fit(*iris)
        assert Counting.n_fits == 4
    Counting.n_fits = 0


@pytest.mark.parametrize("fit_timeout", [None, 600])
def test_one_job_is_on_this_machine(cluster, iris, fit_timeout):
    with parallel_config("dask", n_jobs=1), Pool(fit_timeout=fit_timeout) as pool:
        assert isinstance(pool.backend, SerialBackend if fit_timeout is None else ProcessBackend)
        assert pool.n_slots == 1


class Connection:
    """Can be copied, but not pickled."""

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        raise TypeError("a connection cannot be sent")


class Connected(Null):
    """Has a parameter that cannot be pickled."""

    def __init__(self, value=0, connection=None):
        super().__init__(value)
        self.connection = connection


def test_what_cannot_be_pickled_is_an_error(cluster, iris):
    search = GridSearch(Connected(connection=Connection()), {"value": [0, 1]})
    with parallel_config("dask"), pytest.raises(TypeError, match="a connection cannot be sent"):
        search.fit(*iris)


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_searches_inside_of_tasks_do_not_wait_for_each_other(cluster, iris, n_jobs):
    inner = GridSearch(SVC(), {"C": [0.1, 1, 10]}, cv=2, n_jobs=n_jobs)
    outer = GridSearch(inner, {"cv": [2, 3, 4]}, cv=2, refit=False)
    expected = outer.fit(*iris).cv_results_["mean_test_score"]
    with parallel_config("dask"):
        np.testing.assert_array_equal(outer.fit(*iris).cv_results_["mean_test_score"], expected)
        np.testing.assert_array_equal(
            cross_val_score(inner, *iris, cv=3), cross_val_score(inner, *iris, cv=3, n_jobs=1)
        )


def test_failures_come_back_as_values_and_as_errors(cluster, iris):
    grid = {"value": [0, 1, 2]}
    with parallel_config("dask"):
        search = GridSearch(Failing(bad=(1,)), grid).fit(*iris)
        assert [trial.state for trial in search.history_] == ["ok", "failed", "ok"]
        with pytest.raises(ArithmeticError, match="no luck with 1"):
            GridSearch(Failing(bad=(1,)), grid, error_score="raise").fit(*iris)
        GridSearch(Failing(), grid).fit(*iris)  # the cluster is still good


def test_a_candidate_that_kills_its_workers_is_given_up_and_the_others_are_scored(cluster, iris):
    with parallel_config("dask"), pytest.warns(FitFailedWarning, match="the worker process died"):
        search = GridSearch(Fatal(), {"value": [10, 1, 20]}, cv=2, refit=False, max_retries=1).fit(*iris)
    assert [[fold.state for fold in trial.folds] for trial in search.history_] == [
        ["ok"] * 2,
        ["crashed"] * 2,
        ["ok"] * 2,
    ]
    with parallel_config("dask"):
        GridSearch(Failing(), {"value": [0, 1]}).fit(*iris)  # the cluster is still good
