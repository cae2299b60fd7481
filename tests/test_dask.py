"""A search on a Dask cluster, switched on with joblib's own parallel_config."""

import logging

import numpy as np
import pytest
from estimators import Failing
from joblib import parallel_config
from sklearn.svm import SVC

from skhpt import GridSearch

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, which change from release to release


@pytest.fixture(scope="module")
def cluster():
    options = {"dashboard_address": None, "silence_logs": logging.ERROR}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_the_same_results_as_in_this_process(cluster, iris):
    grid = {"C": [0.01, 0.1, 1, 10], "kernel": ["linear", "rbf"]}
    here = GridSearch(SVC(), grid).fit(*iris)
    with parallel_config("dask"):
        there = GridSearch(SVC(), grid).fit(*iris)
    np.testing.assert_array_equal(here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"])


def test_failures_come_back_as_values_and_as_errors(cluster, iris):
    grid = {"value": [0, 1, 2]}
    with parallel_config("dask"):
        search = GridSearch(Failing(bad=(1,)), grid).fit(*iris)
        assert [trial.state for trial in search.history_] == ["ok", "failed", "ok"]
        with pytest.raises(ArithmeticError, match="no luck with 1"):
            GridSearch(Failing(bad=(1,)), grid, error_score="raise").fit(*iris)
        GridSearch(Failing(), grid).fit(*iris)  # the cluster is still good
