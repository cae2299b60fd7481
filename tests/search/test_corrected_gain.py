"""``corrected_gain_`` of searches: which of them have it, and what it compares."""

import pickle

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.model_selection import ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearch, ManualSearch, report, select

X, Y = load_iris(return_X_y=True)


def test_it_compares_the_best_candidate_with_the_parameters_of_the_estimator():
    search = GridSearch(KNeighborsClassifier(40), {"n_neighbors": [1, 40, 10]}).fit(X, Y)
    gain = search.corrected_gain_
    means = search.cv_results_["mean_test_score"]
    assert gain.default_index == 1
    assert gain.raw == pytest.approx(means.max() - means[1])
    assert gain.low < gain.gain < gain.high
    assert gain.n_candidates == 3
    assert "gain over the estimator as it is: +" in search._repr_mimebundle_()["text/plain"]


def test_an_empty_candidate_is_the_estimator_as_it_is():
    search = ManualSearch(KNeighborsClassifier(40), [{"n_neighbors": 1}, {}]).fit(X, Y)
    assert search.corrected_gain_.default_index == 1


def test_steps_of_a_pipeline_are_compared_by_their_parameters():
    steps = [KNeighborsClassifier(5), KNeighborsClassifier(40), DecisionTreeClassifier(random_state=0)]
    pipeline = make_pipeline(KNeighborsClassifier(40))
    search = GridSearch(pipeline, {"kneighborsclassifier": steps}).fit(X, Y)
    assert search.corrected_gain_.default_index == 1


def test_a_bayesian_search_begins_with_the_estimator_as_it_is():
    search = BayesSearchCV(SVC(C=0.1), {"C": loguniform(1e-3, 100)}, n_iter=8, random_state=0)
    gain = search.fit(X, Y).corrected_gain_
    assert gain.default_index == 0
    assert gain.raw > 0
    assert pickle.loads(pickle.dumps(search)).corrected_gain_ == gain


def test_the_interval_depends_on_the_size_of_the_test_parts():
    grid = {"n_neighbors": [1, 40]}

    def width(test_size):
        cv = ShuffleSplit(5, test_size=test_size, random_state=0)
        search = GridSearch(KNeighborsClassifier(40), grid, cv=cv).fit(X, Y)
        gain, table = search.corrected_gain_, search.cv_results_
        differences = [table[f"split{i}_test_score"] @ [1, -1] for i in range(5)]
        return (gain.high - gain.low) / np.std(differences)

    assert width(0.5) / width(0.2) == pytest.approx(np.sqrt((0.2 + 1) / (0.2 + 0.25)))


def test_of_several_metrics_that_of_refit_decides():
    scoring = ["accuracy", "neg_log_loss"]
    search = GridSearch(KNeighborsClassifier(40), {"n_neighbors": [1, 40]}, scoring=scoring)
    search.set_params(refit="neg_log_loss").fit(X, Y)
    means = search.cv_results_["mean_test_neg_log_loss"]
    assert search.corrected_gain_.raw == pytest.approx(means.max() - means[1])


def test_without_the_estimator_as_it_is_or_a_mean_score_that_decides_there_is_none():
    search = GridSearch(KNeighborsClassifier(40), {"n_neighbors": [1, 2]}).fit(X, Y)
    assert not hasattr(search, "corrected_gain_")
    with pytest.raises(AttributeError, match="the estimator as it is was not evaluated"):
        _ = search.corrected_gain_
    rule = select.one_standard_error("param_n_neighbors")
    search.set_params(param_grid={"n_neighbors": [1, 40]}, refit=rule).fit(X, Y)
    with pytest.raises(AttributeError, match="refit is a callable"):
        _ = search.corrected_gain_


def test_a_report_shows_it():
    search = GridSearch(KNeighborsClassifier(40), {"n_neighbors": [1, 40, 10]}).fit(X, Y)
    html = report(search).html
    assert "gain over the estimator as it is" in html
    assert str(search.corrected_gain_).partition(" ")[0] in html
