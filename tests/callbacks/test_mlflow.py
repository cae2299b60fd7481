"""Searches in MLflow: the callback, and MLflow's own autologging."""

import os
import pickle
import signal
import sys
import uuid
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from scipy.stats import randint, uniform
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from skhpt.callbacks import MLflowLogger, SearchCallback
from skhpt.callbacks.mlflow_runs import csv_text, name_text, param_texts, value_text

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of itself while it is imported
    pytest.importorskip("mlflow.sklearn", reason="needs the whole of MLflow")
    pytest.importorskip("mlflow.pyfunc")

NEIGHBORS = {"n_neighbors": [1, 5, 40]}


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return tmp_path_factory.mktemp("mlflow").as_uri()


@pytest.fixture(autouse=True)
def no_store_but_ours(monkeypatch, tmp_path):
    """Let MLflow write to folders, and to none of the user's."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tmp_path.joinpath("default").as_uri())


@pytest.fixture
def log(uri):
    """Fit a search with a logger; return the run of the search and the runs of its candidates by number."""

    def log(search, X, y, **options):
        options = {"tracking_uri": uri, "log_model": False, "log_report": False} | options
        logger = MLflowLogger(**options)
        search.set_callbacks(logger).fit(X, y)
        return runs_of(options["tracking_uri"], logger.run_id_)

    return log


def client_of(uri):
    import mlflow

    return mlflow.MlflowClient(uri)


def runs_of(uri, run_id):
    client = client_of(uri)
    run = client.get_run(run_id)
    nested = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    return run, {int(child.data.tags.get("skhpt.candidate", -1)): child for child in nested}


def steps(uri, run, metric):
    history = client_of(uri).get_metric_history(run.info.run_id, metric)
    return {value.step: value.value for value in history}


def artifacts(uri, run):
    return {file.path for file in client_of(uri).list_artifacts(run.info.run_id)}


# -- what is logged ------------------------------------------------------------------------------------------------


def test_the_run_of_a_search_has_its_parameters_scores_and_tags(iris, log, uri):
    search = GridSearch(KNeighborsClassifier(), NEIGHBORS, return_predictions=True)
    run, candidates = log(search, *iris, tags={"team": "plants"}, run_name="first try")
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "first try"
    assert run.data.params["param_grid"] == "{'n_neighbors': [1, 5, 40]}"
    assert run.data.params["estimator"] == "KNeighborsClassifier()"
    assert run.data.params["estimator__weights"] == "uniform"
    assert run.data.params["best_n_neighbors"] == str(search.best_params_["n_neighbors"])
    assert run.data.metrics["best_cv_score"] == pytest.approx(search.best_score_)
    assert run.data.metrics["corrected_score"] == pytest.approx(search.corrected_score_.score)
    assert run.data.tags["team"] == "plants"
    assert run.data.tags["skhpt.stop_reason"] == "completed"
    assert run.data.tags["estimator_name"] == "GridSearch"
    assert run.data.tags["skhpt.data"].startswith("X ndarray (150, 4)")
    best = candidates[search.best_index_]
    assert run.data.tags["skhpt.best_run"] == best.info.run_id
    assert best.data.tags["skhpt.best"] == "true"
    assert steps(uri, run, "best_so_far")[2] == pytest.approx(search.best_score_)


def test_a_candidate_has_a_run_with_the_scores_of_its_folds(iris, log, uri):
    search = GridSearch(KNeighborsClassifier(), NEIGHBORS, return_train_score=True)
    _, candidates = log(search, *iris)
    assert sorted(candidates) == [0, 1, 2]
    for i, run in candidates.items():
        assert run.info.status == "FINISHED"
        assert run.data.params == {"n_neighbors": str(NEIGHBORS["n_neighbors"][i])}
        assert run.data.tags["skhpt.state"] == "ok"
        for name in ("mean_test_score", "std_test_score", "mean_train_score", "mean_fit_time"):
            assert run.data.metrics[name] == pytest.approx(search.cv_results_[name][i])
        folds = {k: search.cv_results_[f"split{k}_test_score"][i] for k in range(5)}
        assert steps(uri, run, "split_test_score") == pytest.approx(folds)
        assert run.info.start_time <= run.info.end_time


def test_all_metrics_are_logged(iris, log):
    search = GridSearch(KNeighborsClassifier(), NEIGHBORS, scoring=["accuracy", "f1_macro"], refit="f1_macro")
    run, candidates = log(search, *iris)
    for name in ("mean_test_accuracy", "mean_test_f1_macro"):
        assert candidates[1].data.metrics[name] == pytest.approx(search.cv_results_[name][1])
        assert run.data.metrics[f"best_{name}"] == pytest.approx(search.cv_results_[name][search.best_index_])


def test_a_failed_candidate_has_the_error(iris, log, uri):
    search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [5, -1]})
    with pytest.warns((FitFailedWarning, UserWarning)):
        run, candidates = log(search, *iris)
    failed = candidates[1]
    assert failed.info.status == "FAILED"
    assert run.info.status == candidates[0].info.status == "FINISHED"
    assert failed.data.tags["skhpt.state"] == "failed"
    assert "n_neighbors" in failed.data.tags["skhpt.error"]
    assert "mean_test_score" not in failed.data.metrics
    assert artifacts(uri, failed) == {"error.txt"}


def test_an_eliminated_candidate_is_told_apart(iris, log):
    space = {"n_neighbors": [1, 5, 90, 95, 100, 105, 110]}
    search = BayesSearchCV(KNeighborsClassifier(), space, n_iter=7, cv=10, racing=True, random_state=0)
    _, candidates = log(search, *iris)
    eliminated = {i for i, trial in enumerate(search.history_) if trial.was_eliminated}
    assert eliminated
    states = {i: run.data.tags["skhpt.state"] for i, run in candidates.items()}
    assert {i for i, state in states.items() if state == "eliminated"} == eliminated
    for i in eliminated:
        assert candidates[i].info.status == "FINISHED"
        assert "mean_test_score" not in candidates[i].data.metrics


def test_a_candidate_of_hyperband_has_one_run_with_the_rungs_as_steps(iris, log, uri):
    space = {"max_depth": randint(1, 9), "min_samples_leaf": randint(1, 20)}
    search = HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0), space, resource="n_samples", random_state=0, cv=3
    )
    run, candidates = log(search, *iris)
    table = search.cv_results_
    assert set(candidates) == set(table["candidate_id"])
    best = candidates[table["candidate_id"][search.best_index_]]
    rows = np.flatnonzero(table["candidate_id"] == table["candidate_id"][search.best_index_])
    assert len(rows) > 1
    resources = {table["rung"][i]: table["n_resources"][i] for i in rows}
    means = {table["rung"][i]: table["mean_test_score"][i] for i in rows}
    assert steps(uri, best, "n_resources") == resources
    assert steps(uri, best, "mean_test_score") == pytest.approx(means)
    assert set(best.data.params) == set(space)
    assert run.data.tags["skhpt.best_run"] == best.info.run_id


def test_the_artifacts_are_the_table_the_journal_and_the_model(iris, log, uri, tmp_path):
    import mlflow

    journal = tmp_path / "search.jsonl"
    search = GridSearch(KNeighborsClassifier(), NEIGHBORS, journal=journal)
    run, _ = log(search, *iris, log_model=True, experiment_name="with a model", log_report=False)
    assert artifacts(uri, run) == {"cv_results.csv", "search.jsonl"}
    client = client_of(uri)
    table = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/cv_results.csv")
    assert table.splitlines()[0] == ",".join(search.cv_results_)
    assert client.get_experiment(run.info.experiment_id).name == "with a model"
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert model.source_run_id == run.info.run_id
    assert model.status.value == "READY"
    loaded = mlflow.sklearn.load_model(model.artifact_location)
    assert (loaded.predict(iris[0]) == search.predict(iris[0])).all()
    assert mlflow.get_tracking_uri() != uri  # that of the process is as it was


def test_the_report_is_an_artifact(iris, log, uri):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    run, _ = log(GridSearch(KNeighborsClassifier(), NEIGHBORS), *iris, log_report=True)
    assert artifacts(uri, run) == {"cv_results.csv", "report.html"}


def test_only_the_best_candidates_are_logged_if_asked_for(iris, log):
    search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 90, 5, 100]})
    _, candidates = log(search, *iris, n_candidates=2)
    assert set(candidates) == {0, 2}


# -- where it is logged --------------------------------------------------------------------------------------------


def test_the_run_is_nested_under_the_active_run(iris):
    import mlflow

    logger = MLflowLogger(log_model=False, log_report=False)
    with mlflow.start_run() as active:
        GridSearch(KNeighborsClassifier(), NEIGHBORS).set_callbacks(logger).fit(*iris)
        assert mlflow.active_run().info.run_id == active.info.run_id
    run, candidates = runs_of(mlflow.get_tracking_uri(), logger.run_id_)
    assert run.data.tags["mlflow.parentRunId"] == active.info.run_id
    assert run.info.experiment_id == active.info.experiment_id
    assert len(candidates) == 3
    assert client_of(None).get_run(active.info.run_id).info.status == "FINISHED"


# -- how a search ends ---------------------------------------------------------------------------------------------


class InterruptAfter(SearchCallback):
    """Press Ctrl-C after n candidates."""

    def __init__(self, n):
        self.n = n

    def on_candidate_finished(self, search, trial, status):
        if status.n_finished == self.n:
            signal.raise_signal(signal.SIGINT)


def interrupt(search, logger, iris, n):
    with pytest.raises(KeyboardInterrupt), pytest.warns(UserWarning, match="interrupted|Ctrl-C"):
        search.set_params(on_interrupt="raise").set_callbacks(logger, InterruptAfter(n)).fit(*iris)


def test_ctrl_c_kills_the_run(iris, uri):
    logger = MLflowLogger(tracking_uri=uri, log_report=False)
    interrupt(GridSearch(KNeighborsClassifier(), NEIGHBORS), logger, iris, 2)
    run, candidates = runs_of(uri, logger.run_id_)
    assert run.info.status == "KILLED"
    assert set(candidates) == {0, 1}


def test_an_exception_fails_the_run(iris, uri):
    logger = MLflowLogger(tracking_uri=uri, log_report=False)
    search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [5, -1]}, error_score="raise")
    with pytest.raises(ValueError, match="n_neighbors"):
        search.set_callbacks(logger).fit(*iris)
    run, _ = runs_of(uri, logger.run_id_)
    assert run.info.status == "FAILED"
    assert "n_neighbors" in run.data.tags["skhpt.error"]


def test_a_killed_search_continues_its_run_and_one_that_had_ended_gets_a_new_one(iris, uri, tmp_path):
    logger = MLflowLogger(tracking_uri=uri, log_model=False, log_report=False)
    space = {"n_neighbors": randint(1, 50)}

    def search(n_iter):
        return RandomSearch(
            KNeighborsClassifier(), space, n_iter=n_iter, random_state=0, journal=tmp_path / "journal.jsonl"
        )

    interrupt(search(4), logger, iris, 2)
    killed = logger.run_id_
    search(4).set_callbacks(logger).fit(*iris)
    assert logger.run_id_ == killed
    run, candidates = runs_of(uri, killed)
    assert run.info.status == "FINISHED"
    assert set(candidates) == {0, 1, 2, 3}
    assert (
        len(client_of(uri).search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{killed}'"))
        == 4
    )

    search(5).set_callbacks(logger).fit(*iris)
    assert logger.run_id_ != killed
    assert set(runs_of(uri, logger.run_id_)[1]) == {0, 1, 2, 3, 4}


def test_a_further_fit_and_an_evaluation_by_hand_log_the_new_candidates(iris, uri):
    logger = MLflowLogger(tracking_uri=uri, log_model=False, log_report=False)
    search = ManualSearch(KNeighborsClassifier(), [{"n_neighbors": 40}, {"n_neighbors": 5}])
    search.set_callbacks(logger).fit(*iris)
    first = logger.run_id_
    search.evaluate(*iris, n_neighbors=60)
    run, candidates = runs_of(uri, logger.run_id_)
    assert set(candidates) == {2}
    assert run.data.tags["skhpt.continues"] == first
    assert run.data.tags["skhpt.best_run"] == runs_of(uri, first)[1][1].info.run_id


def test_a_server_that_does_not_answer_costs_one_warning(iris, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    logger = MLflowLogger(tracking_uri="http://127.0.0.1:9")
    search = GridSearch(KNeighborsClassifier(), NEIGHBORS).set_callbacks(logger)
    with pytest.warns(UserWarning, match="MLflowLogger stops") as record:
        search.fit(*iris)
    assert len(record) == 1
    assert "0 of the" in str(record[0].message)
    assert logger.run_id_ == ""
    assert len(search.cv_results_["params"]) == 3


def test_a_server_that_fails_in_the_middle_costs_one_warning(iris, uri, monkeypatch):
    import mlflow

    calls = []
    create_run = mlflow.MlflowClient.create_run

    def fail_later(self, *args, **kwargs):
        calls.append(args)
        if len(calls) > 2:
            raise mlflow.MlflowException("the disk is full")
        return create_run(self, *args, **kwargs)

    monkeypatch.setattr(mlflow.MlflowClient, "create_run", fail_later)
    logger = MLflowLogger(tracking_uri=uri, log_report=False)
    with pytest.warns(UserWarning, match="MLflowLogger stops") as record:
        GridSearch(KNeighborsClassifier(), NEIGHBORS).set_callbacks(logger).fit(*iris)
    assert len(record) == 1
    assert "1 of the 3 candidates" in str(record[0].message) or "1 of the 2" in str(record[0].message)
    assert "the disk is full" in str(record[0].message)
    assert len(calls) == 3


def test_the_environment_is_as_before(iris, log, monkeypatch):
    import mlflow

    before = dict(os.environ)
    log(GridSearch(KNeighborsClassifier(), NEIGHBORS), *iris, log_model=True)
    assert dict(os.environ) == before
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:///elsewhere")
    assert mlflow.get_tracking_uri() == "file:///elsewhere"


def test_a_search_with_a_logger_can_be_pickled(iris, log):
    search = GridSearch(KNeighborsClassifier(), NEIGHBORS)
    log(search, *iris)
    assert pickle.loads(pickle.dumps(search)).best_score_ == search.best_score_


def test_without_mlflow_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match=r"pip install 'skhpt\[mlflow\]'"):
        MLflowLogger()


def test_a_wrong_number_of_candidates_is_an_error():
    with pytest.raises(ValueError, match="n_candidates must be None or an integer of at least 0, got -1"):
        MLflowLogger(n_candidates=-1)


# -- texts ---------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(), st.text() | st.floats() | st.none() | st.lists(st.integers()), max_size=5))
def test_mlflow_accepts_all_names_and_values(params):
    from mlflow.utils.validation import _validate_param

    texts = param_texts(params)
    assert len(texts) == len(params)
    for name, value in texts.items():
        _validate_param(name, value)


def test_values_are_written_as_code_has_them():
    assert value_text("scale") == "scale"
    assert value_text(["scale", 0.1, None]) == "['scale', 0.1, None]"
    assert value_text((np.float64(0.5),)) == "(0.5,)"
    assert value_text({"C": uniform(0, 1)}) == "{'C': uniform(0, 1)}"
    assert value_text(make_pipeline(StandardScaler(), LogisticRegression())).startswith("Pipeline(steps=[(")
    assert "\n" not in value_text(make_pipeline(StandardScaler(), LogisticRegression()))
    assert value_text(np.mean) == "mean"
    assert len(param_texts({"a": "x" * 10_000})["a"]) == 6000
    assert name_text("f1 (macro)") == "f1 _macro_"
    assert csv_text({"a": [1, "b,c"]}) == 'a\n1\n"b,c"\n'


# -- autologging ---------------------------------------------------------------------------------------------------


@pytest.fixture
def autolog(uri, monkeypatch):
    """Switch autologging on; return a function that fits a search and returns the runs without a parent, and others."""
    import mlflow

    experiment = client_of(uri).create_experiment(f"autologging {uuid.uuid4()}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
    mlflow.sklearn.autolog(silent=True, log_models=False, log_datasets=False, max_tuning_runs=2)

    def fit(search, iris):
        known = {run.info.run_id for run in client_of(uri).search_runs([experiment])}
        search.fit(*iris)
        runs = [run for run in client_of(uri).search_runs([experiment]) if run.info.run_id not in known]
        nested = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
        return [run for run in runs if run not in nested], nested

    yield fit
    mlflow.sklearn.autolog(disable=True, silent=True)


def test_autologging_logs_a_search_as_those_of_scikit_learn(iris, autolog):
    runs, nested = autolog(GridSearch(KNeighborsClassifier(), NEIGHBORS), iris)
    theirs, nested_theirs = autolog(GridSearchCV(KNeighborsClassifier(), NEIGHBORS), iris)
    assert len(runs) == len(theirs) == 1
    assert len(nested) == len(nested_theirs) == 2
    ours = runs[0].data
    assert set(theirs[0].data.params) <= set(ours.params)
    assert set(theirs[0].data.tags) <= set(ours.tags)
    assert ours.metrics["best_cv_score"] == theirs[0].data.metrics["best_cv_score"]
    scores = [sorted(run.data.metrics["mean_test_score"] for run in runs) for runs in (nested, nested_theirs)]
    assert scores[0] == pytest.approx(scores[1])


def test_autologging_logs_nothing_inside_a_search_and_leaves_sharing_on(iris, autolog):
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearch(pipeline, {"logisticregression__C": [0.1, 1, 10]}, scoring="accuracy", n_jobs=2)
    with parallel_config("threading"):
        runs, nested = autolog(search, iris)
    assert (len(runs), len(nested)) == (1, 2)
    assert search.reuse_report_.n_fits < 3 * 5 * 2
    by_score = GridSearch(pipeline, {"logisticregression__C": [0.1, 1, 10]})
    autolog(by_score, iris)
    assert by_score.reuse_report_.n_fits < 3 * 5 * 2


def test_autologging_logs_one_run_with_a_logger_and_the_outer_one_of_two_searches(iris, autolog):
    logged = GridSearch(KNeighborsClassifier(), NEIGHBORS).set_callbacks(
        MLflowLogger(log_model=False, log_report=False)
    )
    runs, nested = autolog(logged, iris)
    assert (len(runs), len(nested)) == (1, 3)
    inner = GridSearch(KNeighborsClassifier(), NEIGHBORS)
    for outer in (GridSearch, GridSearchCV):
        runs, nested = autolog(outer(inner, {"estimator__weights": ["uniform", "distance"]}), iris)
        assert (len(runs), len(nested)) == (1, 2)


def test_autologging_logs_to_the_active_run(iris, autolog):
    import mlflow

    with mlflow.start_run() as active:
        runs, nested = autolog(GridSearch(KNeighborsClassifier(), NEIGHBORS), iris)
        assert mlflow.active_run().info.run_id == active.info.run_id
    assert runs == []
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {active.info.run_id}
    assert "best_cv_score" in mlflow.get_run(active.info.run_id).data.metrics


def test_autologging_is_on_after_a_search_and_off_during_an_evaluation_by_hand(iris, autolog):
    search = ManualSearch(KNeighborsClassifier(), [{}])
    autolog(search, iris)

    class Evaluation:
        def fit(self, X, y):
            search.evaluate(X, y, n_neighbors=3)

    assert autolog(Evaluation(), iris) == ([], [])
    runs, _ = autolog(KNeighborsClassifier(), iris)
    assert [run.data.tags["estimator_name"] for run in runs] == ["KNeighborsClassifier"]
