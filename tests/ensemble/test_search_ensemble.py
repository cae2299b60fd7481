"""`SearchEnsemble`: its members, its predictions and scikit-learn's conventions."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, get_scorer, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from skhpt.ensemble import SearchEnsemble

TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = {"max_depth": [1, 2, 3, 4, 5, 6]}


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return X[:200], y[:200]


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


def trees(**params):
    return GridSearch(TREE, DEPTHS, cv=3, **params)


def ridges(**params):
    return GridSearch(Ridge(), {"alpha": [0.01, 0.1, 1.0, 10.0]}, cv=3, **params)


def checked(estimator, space):
    return SearchEnsemble(GridSearch(estimator, space, cv=2, error_score="raise"))


@parametrize_with_checks([checked(Ridge(), {"alpha": [0.1, 1.0]})])
@pytest.mark.filterwarnings("default")
def test_scikit_learns_checks_of_regressors(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([checked(LogisticRegression(), {"C": [0.1, 1.0]})])
@pytest.mark.filterwarnings("default")
def test_scikit_learns_checks_of_classifiers(estimator, check):
    check(estimator)


# -- predictions ---------------------------------------------------------------------------------------------


def test_it_predicts_the_mean_of_the_best_candidates_refitted_by_hand(cancer):
    search = trees().fit(*cancer)
    ensemble = search.ensemble(*cancer, n_members=3)
    best = np.argsort(-search.cv_results_["mean_test_score"], kind="stable")[:3]
    by_hand = [clone(TREE).set_params(**search.cv_results_["params"][i]).fit(*cancer) for i in best]
    expected = np.mean([tree.predict_proba(cancer[0]) for tree in by_hand], axis=0)
    np.testing.assert_array_equal(ensemble.candidates_, best)
    np.testing.assert_allclose(ensemble.predict_proba(cancer[0]), expected)
    np.testing.assert_array_equal(ensemble.predict(cancer[0]), expected.argmax(axis=1))


def test_it_predicts_the_mean_of_numbers(diabetes):
    ensemble = ridges().fit(*diabetes).ensemble(*diabetes, n_members=2)
    expected = np.mean([member.predict(diabetes[0]) for member in ensemble.estimators_], axis=0)
    np.testing.assert_allclose(ensemble.predict(diabetes[0]), expected)
    assert is_regressor(ensemble)
    assert not hasattr(ensemble, "predict_proba")
    assert ensemble.score(*diabetes) == pytest.approx(r2_score(diabetes[1], expected))


def test_several_numbers(diabetes):
    X, y = diabetes[0], np.column_stack([diabetes[1], -diabetes[1]])
    ensemble = SearchEnsemble(ridges()).fit(X, y)
    expected = np.mean([member.predict(X) for member in ensemble.estimators_], axis=0)
    np.testing.assert_allclose(ensemble.predict(X), expected)
    assert ensemble.score(X, y) == pytest.approx(r2_score(y, expected))


def test_labels_are_those_of_the_data(iris):
    names = np.array(["setosa", "versicolor", "virginica"])[iris[1]]
    ensemble = SearchEnsemble(trees()).fit(iris[0], names)
    assert ensemble.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert accuracy_score(names, ensemble.predict(iris[0])) == ensemble.score(iris[0], names) > 0.95


@pytest.mark.parametrize("estimator", [TREE, OneVsRestClassifier(TREE)], ids=["lists", "one array"])
def test_several_labels(estimator):
    X, y = make_multilabel_classification(120, n_classes=3, random_state=0)
    name = "max_depth" if estimator is TREE else "estimator__max_depth"
    search = GridSearch(estimator, {name: [1, 2, 4]}, cv=3, return_predictions=True)
    ensemble = SearchEnsemble(search).fit(X, y)
    outputs = [member.predict_proba(X) for member in ensemble.estimators_]
    if estimator is TREE:
        positive = np.mean([[p[:, 1] for p in output] for output in outputs], axis=0).T
    else:
        positive = np.mean(outputs, axis=0)
    np.testing.assert_array_equal(ensemble.predict(X), positive > 0.5)
    assert ensemble.score(X, y) == (ensemble.predict(X) == y).all(axis=1).mean()
    assert 0 < ensemble.corrected_score_.score < 1


def test_probabilities_do_not_exceed_one(iris):
    X, y = iris[0][:100], iris[1][:100]
    neighbors = GridSearch(
        KNeighborsClassifier(), {"n_neighbors": [1, 2, 3, 4, 5, 6, 7]}, scoring="neg_log_loss", cv=3
    )
    ensemble = SearchEnsemble(neighbors, n_members=7).fit(X, y)
    assert ensemble.predict_proba(X).max() == 1.0
    assert np.isfinite(ensemble.score(X, y))


# -- members -------------------------------------------------------------------------------------------------


def test_equal_candidates_are_one_member(cancer):
    search = ManualSearch(TREE, [{"max_depth": 2}, {"max_depth": 2}, {"max_depth": 3}], cv=3).fit(*cancer)
    assert sorted(search.ensemble(*cancer).candidates_) == [0, 2]


def test_candidates_that_differ_in_inert_parameters_are_one_member(cancer):
    pipe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    grid = {"logisticregression__intercept_scaling": [1.0, 2.0, 3.0], "logisticregression__C": [0.1, 1.0]}
    ensemble = GridSearch(pipe, grid, cv=3).fit(*cancer).ensemble(*cancer)
    assert len(ensemble.estimators_) == 2


def test_failed_candidates_are_no_members(cancer):
    search = GridSearch(TREE, {"max_depth": [-1, 2, 3]}, cv=3, error_score=2.0, refit=False)
    with pytest.warns(FitFailedWarning):
        search.fit(*cancer)
    assert search.best_index_ == 0
    assert sorted(search.ensemble(*cancer).candidates_) == [1, 2]


def test_eliminated_candidates_are_no_members(cancer):
    search = RandomSearch(
        TREE, {"max_depth": range(1, 9), "max_features": [1, 5, None]}, n_iter=20, racing=True, random_state=0
    ).fit(*cancer)
    eliminated = {i for i, trial in enumerate(search.history_) if trial.was_eliminated}
    ensemble = search.ensemble(*cancer, n_members=20)
    assert eliminated
    assert not eliminated & set(ensemble.candidates_)


def test_candidates_of_lower_rungs_are_no_members(cancer):
    model = DecisionTreeClassifier(random_state=0)
    search = HyperbandSearchCV(
        model, {"min_samples_leaf": range(1, 40)}, resource="max_depth", max_resources=9, min_resources=1,
        n_candidates=9, random_state=0, cv=3,
    ).fit(*cancer)  # fmt: skip
    ensemble = search.ensemble(*cancer)
    assert (search.cv_results_["n_resources"][ensemble.candidates_] == 9).all()
    assert all(member.max_depth == 9 for member in ensemble.estimators_)


def test_fewer_candidates_than_members(cancer):
    ensemble = SearchEnsemble(trees(), n_members=50).fit(*cancer)
    assert len(ensemble.estimators_) == 6
    np.testing.assert_allclose(ensemble.weights_, 1 / 6)


def test_the_metric_of_refit_ranks(cancer):
    search = trees(scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss").fit(*cancer)
    ensemble = search.ensemble(*cancer, n_members=2)
    best = np.argsort(-search.cv_results_["mean_test_neg_log_loss"], kind="stable")[:2]
    np.testing.assert_array_equal(ensemble.candidates_, best)
    assert ensemble.score(*cancer) == get_scorer("neg_log_loss")(ensemble, *cancer)


def test_a_search_without_refit(cancer):
    ensemble = SearchEnsemble(trees(refit=False), n_members=2).fit(*cancer)
    again = trees().fit(*cancer).ensemble(*cancer, n_members=2)
    np.testing.assert_array_equal(ensemble.predict_proba(cancer[0]), again.predict_proba(cancer[0]))


def test_a_function_that_scores(cancer):
    def scores(estimator, X, y):
        return {"right": accuracy_score(y, estimator.predict(X)), "constant": 1.0}

    ensemble = SearchEnsemble(trees(scoring=scores, refit="right"), n_members=2).fit(*cancer)
    assert ensemble.score(*cancer) == accuracy_score(cancer[1], ensemble.predict(cancer[0]))


def test_the_best_candidate_of_its_own_search_is_fitted_once(cancer):
    ensemble = SearchEnsemble(trees(), n_members=3).fit(*cancer)
    assert ensemble.estimators_[0] is ensemble.search_.best_estimator_
    assert ensemble.refit_time_ > 0


def test_a_frozen_search_is_left_as_it_is(cancer):
    search = trees().fit(*cancer)
    ensemble = SearchEnsemble(FrozenEstimator(search), n_members=2).fit(*cancer)
    assert ensemble.search_ is search
    assert search.best_estimator_ not in ensemble.estimators_


@pytest.mark.parametrize("search", [trees(), BayesSearchCV(TREE, DEPTHS, n_iter=4, cv=3, random_state=0)])
def test_a_search_that_is_a_parameter_is_not_fitted(search, cancer):
    SearchEnsemble(search).fit(*cancer)
    assert not hasattr(search, "cv_results_")


# -- ensemble selection --------------------------------------------------------------------------------------


def test_greedy_selection_weights_the_members(diabetes):
    search = GridSearch(
        make_pipeline(StandardScaler(), KNeighborsRegressor()),
        {"kneighborsregressor__n_neighbors": [1, 5, 20], "kneighborsregressor__weights": ["uniform", "distance"]},
        cv=3, return_predictions=True,
    )  # fmt: skip
    ensemble = SearchEnsemble(search, n_members=3, selection="greedy").fit(*diabetes)
    assert len(ensemble.estimators_) == len(ensemble.weights_) == len(ensemble.candidates_)
    means = ensemble.search_.cv_results_["mean_test_score"]
    assert set(np.argsort(-means)[:3]) <= set(ensemble.candidates_)  # the best three, and others
    assert ensemble.weights_.sum() == pytest.approx(1)
    assert (np.diff(ensemble.weights_) <= 0).all()
    outputs = [member.predict(diabetes[0]) for member in ensemble.estimators_]
    np.testing.assert_allclose(
        ensemble.predict(diabetes[0]), np.average(outputs, axis=0, weights=ensemble.weights_)
    )
    pooled_score = ensemble.corrected_score_.pooled_score
    assert pooled_score >= ensemble.search_.corrected_score_.pooled_score
    assert ensemble.corrected_score_.score < pooled_score


def test_greedy_selection_of_probabilities(iris):
    search = trees(scoring="neg_log_loss", return_predictions=True).fit(*iris)
    ensemble = search.ensemble(*iris, n_members=2, selection="greedy")
    outputs = [member.predict_proba(iris[0]) for member in ensemble.estimators_]
    np.testing.assert_allclose(
        ensemble.predict_proba(iris[0]), np.average(outputs, axis=0, weights=ensemble.weights_)
    )


def test_greedy_selection_needs_predictions(iris):
    with pytest.raises(ValueError, match="needs a search with return_predictions=True"):
        SearchEnsemble(trees(), selection="greedy").fit(*iris)


# -- errors --------------------------------------------------------------------------------------------------


class Votes(ClassifierMixin, BaseEstimator):
    """A classifier without probabilities that must not be fitted."""

    def __init__(self, value=0):
        self.value = value

    def fit(self, X, y):
        raise AssertionError("it was fitted")

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize("estimator, space", [(Votes(), {"value": [1]}), (KMeans(), {"n_clusters": [2]})])
def test_candidates_without_a_mean_are_refused_before_anything_is_fitted(estimator, space, iris):
    with pytest.raises(
        ValueError, match="averages the predictions of regressors, or the probabilities"
    ) as error:
        SearchEnsemble(GridSearch(estimator, space, error_score="raise")).fit(*iris)
    assert repr(estimator) in str(error.value)


def test_other_searches_are_refused(iris):
    with pytest.raises(TypeError, match="must be a search of skhpt, such as BayesSearchCV"):
        SearchEnsemble(GridSearchCV(TREE, DEPTHS)).fit(*iris)
    with pytest.raises(TypeError, match="must be a search of skhpt"):
        SearchEnsemble(FrozenEstimator(LinearRegression().fit(*iris))).fit(*iris)


def test_a_frozen_search_must_be_fitted(iris):
    with pytest.raises(NotFittedError):
        SearchEnsemble(FrozenEstimator(trees())).fit(*iris)
    with pytest.raises(NotFittedError):
        trees().ensemble(*iris)


def test_several_metrics_without_one_that_decides(iris):
    search = trees(scoring=["accuracy", "neg_log_loss"], refit=False).fit(*iris)
    with pytest.raises(ValueError, match="refit does not say which of the metrics decides"):
        search.ensemble(*iris)


@pytest.mark.parametrize("n_members", [0, 2.5])
def test_a_number_of_members_that_is_none(n_members, iris):
    with pytest.raises(ValueError, match="'n_members' parameter of SearchEnsemble must be an int"):
        SearchEnsemble(trees(), n_members=n_members).fit(*iris)


def test_arguments_of_score_need_routing(iris):
    ensemble = SearchEnsemble(trees()).fit(*iris)
    with pytest.raises(ValueError, match=r"enable_metadata_routing=True, got \['sample_weight'\]"):
        ensemble.score(*iris, sample_weight=np.ones(150))


# -- conventions ---------------------------------------------------------------------------------------------


def test_it_is_cross_validated_and_part_of_a_pipeline(iris):
    pipe = make_pipeline(StandardScaler(), SearchEnsemble(trees(), n_members=2))
    assert cross_val_score(pipe, *iris, cv=2).mean() > 0.9
    assert is_classifier(pipe)
    assert pipe.fit(*iris)[-1].n_features_in_ == 4


def test_clone_and_pickle(iris):
    ensemble = SearchEnsemble(trees(return_predictions=True)).fit(*iris)
    copied = clone(ensemble)
    assert repr(copied) == repr(ensemble)
    assert not hasattr(copied, "estimators_")
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.predict_proba(iris[0]), ensemble.predict_proba(iris[0]))
    assert again.corrected_score_ == ensemble.corrected_score_


def test_parameters_of_the_search_are_parameters_of_the_ensemble(iris):
    ensemble = SearchEnsemble(trees()).set_params(search__cv=2, search__estimator__criterion="entropy")
    ensemble.fit(*iris)
    assert ensemble.search_.n_splits_ == 2
    assert all(member.criterion == "entropy" for member in ensemble.estimators_)


def test_sparse_data(iris):
    X = sparse.csr_matrix(np.where(iris[0] > 2, iris[0], 0))
    search = GridSearch(LogisticRegression(max_iter=500), {"C": [0.1, 1.0, 10.0]}, cv=3)
    ensemble = SearchEnsemble(search).fit(X, iris[1])
    assert ensemble.predict_proba(X).shape == (150, 3)


def test_tables(iris):
    frame = pd.DataFrame(iris[0], columns=list("abcd"))
    ensemble = SearchEnsemble(trees()).fit(frame, pd.Series(iris[1]))
    assert ensemble.feature_names_in_.tolist() == list("abcd")
    assert ensemble.predict(frame).shape == (150,)
    with pytest.raises(ValueError, match="feature names"):
        ensemble.predict(frame[["b", "a", "c", "d"]])


def test_weights_of_samples_reach_the_members(iris):
    weights = np.where(iris[1] == 2, 0.0, 1.0)
    ensemble = SearchEnsemble(trees()).fit(*iris, sample_weight=weights)
    assert (ensemble.predict(iris[0]) < 2).all()
    again = ensemble.search_.ensemble(*iris, sample_weight=weights)
    np.testing.assert_array_equal(again.predict_proba(iris[0]), ensemble.predict_proba(iris[0]))


def test_metadata_routing(iris):
    weights = np.random.RandomState(0).uniform(1, 2, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        tree = clone(TREE).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        ensemble = SearchEnsemble(GridSearch(tree, DEPTHS, cv=3), n_members=2)
        ensemble.fit(*iris, sample_weight=weights)
        score = ensemble.score(*iris, sample_weight=weights)
    assert score == accuracy_score(iris[1], ensemble.predict(iris[0]), sample_weight=weights)


def test_a_notebook_shows_the_members_and_the_cost(iris):
    ensemble = SearchEnsemble(trees(), n_members=2)
    assert "Ensemble of the best candidates" not in ensemble._repr_html_()
    ensemble.fit(*iris)
    html = ensemble._repr_html_()
    assert "Ensemble of the best candidates" in html
    assert f"<td>max_depth={ensemble.estimators_[0].max_depth}</td>" in html
    shown = ensemble._repr_mimebundle_()
    assert "2 members" in shown["text/plain"]
    assert "a prediction takes 2 predictions" in shown["text/html"]


# -- corrected score -----------------------------------------------------------------------------------------


def test_the_corrected_score_of_one_member_is_that_of_the_search(diabetes):
    ensemble = SearchEnsemble(ridges(return_predictions=True), n_members=1).fit(*diabetes)
    ours, theirs = ensemble.corrected_score_, ensemble.search_.corrected_score_
    assert ours.pooled_score == pytest.approx(theirs.pooled_score)
    assert ours.score == pytest.approx(theirs.score, abs=0.01)


def test_the_corrected_score_is_lower_than_that_of_the_members_on_all_predictions(cancer):
    rng = np.random.default_rng(0)
    noise, coin = rng.normal(size=(60, 10)), rng.permutation(np.arange(60) % 2)
    shallow = DecisionTreeClassifier(max_depth=3, max_features=1)
    search = GridSearch(shallow, {"random_state": list(range(40))}, return_predictions=True)
    corrected = SearchEnsemble(search).fit(noise, coin).corrected_score_
    assert corrected.optimism > 0.03
    assert corrected.low < 0.5 < corrected.high
    assert corrected.n_candidates == 40


def test_there_is_no_corrected_score_without_predictions(iris):
    ensemble = SearchEnsemble(trees()).fit(*iris)
    assert not hasattr(ensemble, "corrected_score_")
    with pytest.raises(AttributeError, match="no predictions were kept: fit the search"):
        ensemble.corrected_score_
