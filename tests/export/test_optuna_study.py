import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import loguniform, randint, uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_wine
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import RandomizedSearchCV
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch, HyperbandSearchCV, RandomSearch
from skhpt.export import to_optuna

optuna = pytest.importorskip("optuna")
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402
from optuna.trial import TrialState  # noqa: E402


class Formula(ClassifierMixin, BaseEstimator):
    """Classifier whose score is a function of its parameters."""

    def __init__(self, a=0.0, b=0, c=None, d=None):
        self.a, self.b, self.c, self.d = a, b, c, d

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if self.c == "fail":
            raise ValueError("c is fail")
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y):
        return float(self.a) - 0.1 * self.b + 0.01 * len(repr(self.c))


DATA = (np.arange(24.0).reshape(12, 2), np.array([0, 1] * 6))
MIXED = {"a": loguniform(0.01, 1), "b": randint(1, 9), "c": [None, "x", 3], "d": [True, 1, StandardScaler()]}


def random_search(params, **settings):
    settings = {"n_iter": 8, "cv": 2, "random_state": 0, **settings}
    return RandomSearch(Formula(), params, **settings).fit(*DATA)


@pytest.fixture(scope="module")
def hyperband(iris, tmp_path_factory):
    search = HyperbandSearchCV(
        RandomForestClassifier(random_state=0),
        {"max_features": uniform(0.1, 0.8)},
        resource="n_estimators",
        max_resources=9,
        n_candidates=9,
        cv=3,
        random_state=0,
        journal=tmp_path_factory.mktemp("hyperband") / "hyperband.jsonl",
    )
    return search.fit(*iris)


def test_the_best_candidate_is_that_of_the_search():
    search = random_search(MIXED)
    study = to_optuna(search)
    assert study.best_value == search.best_score_
    assert study.best_trial.number == search.best_index_
    assert [study.best_params[name] for name in "abc"] == [search.best_params_[name] for name in "abc"]
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 8


def test_distributions_describe_the_space():
    distributions = to_optuna(random_search(MIXED)).trials[0].distributions
    assert distributions == {
        "a": FloatDistribution(0.01, 1, log=True),
        "b": IntDistribution(1, 8),
        "c": CategoricalDistribution((None, "x", 3)),
        "d": CategoricalDistribution((True, "1", "StandardScaler()")),
    }


def test_a_parameter_with_choices_in_one_branch_and_a_range_in_another_is_two():
    search = random_search([{"c": ["x", "yy"], "a": [0.5]}, {"c": uniform(0, 1)}], n_iter=20)
    trials = to_optuna(search).trials
    for trial, params in zip(trials, search.cv_results_["params"]):
        name = "c (choice)" if isinstance(params["c"], str) else "c"
        assert trial.params[name] == params["c"]
        assert len(trial.params) == len(params)
    assert {name for trial in trials for name in trial.params} == {"a", "c", "c (choice)"}


def test_values_outside_the_space_widen_its_ranges():
    earlier = GridSearch(Formula(), {"a": [0.5, 5]}, cv=2).fit(*DATA)
    search = random_search({"a": uniform(0, 1)}, n_iter=2, previous=earlier)
    for trial in to_optuna(search).trials:
        assert trial.distributions["a"] == FloatDistribution(0, 5)


def test_failures_have_their_traceback():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = random_search({"c": ["fail", "x"]}, n_iter=2)
    failed, ok = sorted(to_optuna(search).trials, key=lambda trial: trial.state)[::-1]
    assert (failed.state, failed.value, failed.user_attrs["state"]) == (TrialState.FAIL, None, "failed")
    assert failed.user_attrs["error"] == "ValueError: c is fail"
    assert "in fit" in failed.user_attrs["traceback"]
    assert (ok.state, ok.user_attrs["state"]) == (TrialState.COMPLETE, "ok")


def test_folds_are_intermediate_values_and_times_are_those_of_the_fits(iris):
    search = GridSearch(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 3]}, cv=3).fit(*iris)
    for i, trial in enumerate(to_optuna(search).trials):
        scores = [search.cv_results_[f"split{split}_test_score"][i] for split in range(3)]
        assert trial.intermediate_values == dict(enumerate(scores))
        assert trial.user_attrs["fold_scores"] == scores
        folds = search.history_[i].folds
        assert trial.datetime_start.timestamp() == pytest.approx(min(fold.started for fold in folds))
        assert trial.datetime_complete.timestamp() == pytest.approx(max(fold.ended for fold in folds))


def test_eliminated_candidates_are_pruned():
    params = {"C": loguniform(1e-3, 1e3), "gamma": loguniform(1e-6, 1)}
    search = RandomSearch(SVC(), params, n_iter=15, cv=8, random_state=0, racing=True)
    search.fit(*load_wine(return_X_y=True))
    was_pruned = [trial.state == TrialState.PRUNED for trial in to_optuna(search).trials]
    assert was_pruned == [trial.was_eliminated for trial in search.history_.finished]
    assert 0 < sum(was_pruned) < 15


def test_a_candidate_of_hyperband_is_one_trial_with_its_rungs(hyperband):
    study = to_optuna(hyperband)
    assert len(study.trials) == 9
    assert study.best_value == hyperband.best_score_
    assert study.best_params == {"max_features": hyperband.best_params_["max_features"]}
    n_complete = sum(trial.state == TrialState.COMPLETE for trial in study.trials)
    assert 1 <= n_complete == 9 - sum(trial.state == TrialState.PRUNED for trial in study.trials)
    assert list(study.best_trial.intermediate_values) == sorted(set(hyperband.cv_results_["n_resources"]))


def test_a_journal_and_its_search_make_the_same_study(hyperband):
    trials = [to_optuna(source).trials for source in (hyperband, hyperband.journal)]
    for a, b in zip(*trials, strict=True):
        assert (a.params, a.values, a.state, a.intermediate_values) == (
            b.params,
            b.values,
            b.state,
            b.intermediate_values,
        )
        assert abs((a.datetime_complete - b.datetime_complete).total_seconds()) < 0.01


def test_searches_of_scikit_learn_and_tables(iris):
    search = RandomizedSearchCV(SVC(), {"C": loguniform(0.1, 10)}, n_iter=4, random_state=0).fit(*iris)
    for source in (search, search.cv_results_):
        study = to_optuna(source)
        assert (study.best_value, study.best_params) == (search.best_score_, search.best_params_)


def test_rows_of_a_table_with_the_same_parameters_and_more_resources_are_one_trial(iris):
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    search = HalvingGridSearchCV(SVC(), {"C": [0.01, 0.1, 1, 10]}, random_state=0, min_resources=30).fit(
        *iris
    )
    study = to_optuna(search)
    assert len(study.trials) == 4
    assert study.best_params == search.best_params_


def test_several_metrics_are_objectives_or_attributes(iris):
    scoring = ["accuracy", "f1_macro"]
    search = GridSearch(SVC(), {"C": [0.1, 1]}, scoring=scoring, refit="f1_macro", cv=3).fit(*iris)
    results = search.cv_results_
    study = to_optuna(search)
    assert study.metric_names == ["f1_macro"]
    assert study.best_value == search.best_score_
    assert study.trials[0].user_attrs["mean_test_accuracy"] == pytest.approx(results["mean_test_accuracy"][0])
    both = to_optuna(search, metric=scoring)
    assert both.trials[1].values == [results[f"mean_test_{name}"][1] for name in scoring]
    with pytest.raises(ValueError, match=r"metric must be one of \['accuracy', 'f1_macro'\], got 'auc'"):
        to_optuna(search, metric="auc")


def test_the_study_describes_the_search(hyperband):
    study = to_optuna(hyperband.journal)
    assert study.study_name == "hyperband"
    assert study.direction.name == "MAXIMIZE"
    attributes = study.user_attrs
    assert attributes["search"] == "HyperbandSearchCV"
    assert attributes["state"] == "ended (completed)"
    assert attributes["journal"] == str(hyperband.journal)
    json.dumps(attributes)


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
def test_an_export_that_is_repeated_writes_only_what_is_new(tmp_path, storage):
    journal = tmp_path / "search.jsonl"
    random_search(MIXED, n_iter=4, journal=journal)
    lines = journal.read_text().splitlines(keepends=True)
    part = tmp_path / "part.jsonl"
    name, storage = (
        "s",
        optuna.storages.InMemoryStorage() if storage == "memory" else f"sqlite:///{tmp_path}/a.db",
    )
    states = []
    for n in (3, 5, 5, len(lines)):
        part.write_text("".join(lines[:n]))
        study = to_optuna(part, storage, name)
        states.append([trial.state.name for trial in study.trials])
    assert [len(each) for each in states] == [4] * 4
    assert states[1] == states[2]
    assert states[0] == ["WAITING"] * 4
    assert states[3] == ["COMPLETE"] * 4
    whole = to_optuna(journal)
    assert [trial.values for trial in study.trials] == [trial.values for trial in whole.trials]
    assert [trial.params for trial in study.trials] == [trial.params for trial in whole.trials]
    assert [trial.intermediate_values for trial in study.trials] == [
        trial.intermediate_values for trial in whole.trials
    ]


def test_a_study_of_another_search_is_refused():
    storage = optuna.storages.InMemoryStorage()
    to_optuna(random_search({"a": uniform(0, 1)}), storage, "s")
    with pytest.raises(ValueError, match="has a study 's' that was not exported from this search"):
        to_optuna(random_search({"a": uniform(0, 1)}, random_state=1), storage, "s")
    foreign = optuna.create_study(storage=storage, study_name="f")
    foreign.set_user_attr("x", 1)
    with pytest.raises(ValueError, match="has a study 'f'"):
        to_optuna(random_search({"a": uniform(0, 1)}), storage, "f")


def test_another_object_is_no_storage():
    with pytest.raises(TypeError, match="storage must be None, a URL or a storage of Optuna, got 3"):
        to_optuna({"mean_test_score": [0.5], "params": [{}]}, 3)


def test_optuna_evaluates_the_importance_of_the_parameters():
    search = random_search({"a": uniform(0, 1), "b": randint(0, 2), "c": ["x"]}, n_iter=30)
    importance = optuna.importance.get_param_importances(to_optuna(search))
    assert next(iter(importance)) == "a"


def test_messages_of_optuna_are_suppressed(capfd):
    to_optuna(random_search({"a": uniform(0, 1)}))
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


NUMBERS = st.floats(-5, 5) | st.integers(-5, 5)
VALUES = st.none() | st.booleans() | NUMBERS | st.sampled_from(["x", "1", "True"])
DIMENSIONS = st.one_of(
    st.lists(VALUES, min_size=1, max_size=4),
    st.builds(uniform, st.floats(-3, 3), st.floats(0.1, 4)),
    st.builds(randint, st.integers(-3, 0), st.integers(1, 9)),
    st.just(loguniform(1e-3, 1e3)),
    st.lists(st.sampled_from([StandardScaler(), MinMaxScaler(), DummyClassifier()]), min_size=1),
)
SPACES = st.dictionaries(st.sampled_from("abcd"), DIMENSIONS, min_size=1, max_size=3)


@given(st.lists(SPACES, min_size=1, max_size=2))
def test_studies_of_any_space_hold_all_values(branches):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small spaces have fewer candidates
        search = random_search(branches, n_iter=6)
    for source in (search, search.cv_results_):
        trials = to_optuna(source).trials
        assert len(trials) == len(search.cv_results_["params"])
        for trial, params in zip(trials, search.cv_results_["params"]):
            found = {name.removesuffix(" (choice)"): value for name, value in trial.params.items()}
            assert found.keys() == params.keys()
            for name, value in params.items():
                assert found[name] == value or found[name] == str(value)
