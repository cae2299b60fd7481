"""``return_predictions`` and `out_of_fold_predictions`: the predictions equal those of separate fits."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, make_regression
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit, check_cv, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from tests.estimators import CannotPredict, Failing, Null, SlowToPredict

FOREST = Pipeline([("scale", StandardScaler()), ("forest", RandomForestClassifier(random_state=0))])


def separate_predictions(estimator, params, X, y, cv, method):
    """Predict each test part with a fit of its own."""
    parts = []
    for train, test in check_cv(
        cv, y, classifier=hasattr(estimator, "classes_") or method != "predict"
    ).split(X, y):
        model = clone(estimator).set_params(**params).fit(X[train], y[train])
        parts.append((test, getattr(model, method)(X[test])))
    whole = np.empty((len(X), *parts[0][1].shape[1:]), dtype=parts[0][1].dtype)
    for test, part in parts:
        whole[test] = part
    return whole


def assert_equal_to_separate_fits(search, X, y, method):
    for i, params in enumerate(search.cv_results_["params"]):
        expected = separate_predictions(search.estimator, params, X, y, search.cv, method)
        np.testing.assert_array_equal(search.out_of_fold_predictions(i), expected)
    np.testing.assert_array_equal(
        search.out_of_fold_predictions(), search.out_of_fold_predictions(search.best_index_)
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("reuse", ["exact", False])
@pytest.mark.parametrize(
    "estimator, grid, method",
    [
        (FOREST, {"forest__n_estimators": [3, 7, 5], "forest__max_depth": [2, 4]}, "predict_proba"),
        (
            make_pipeline(StandardScaler(), SVC()),
            {"svc__C": [0.1, 10], "svc__kernel": ["rbf"]},
            "decision_function",
        ),
        (KNeighborsClassifier(), {"n_neighbors": [1, 9, 5]}, "predict_proba"),
        (
            make_pipeline(StandardScaler(), PCA(), GaussianNB()),
            {"pca__n_components": [1, 2]},
            "predict_proba",
        ),
    ],
    ids=["forest", "svc", "neighbours", "pca"],
)
def test_predictions_equal_those_of_separate_fits(estimator, grid, method, reuse, n_jobs, iris):
    search = GridSearch(
        estimator, grid, cv=3, reuse=reuse, n_jobs=n_jobs, refit=True, return_predictions=True
    )
    assert_equal_to_separate_fits(search.fit(*iris), *iris, method)
    plain = GridSearch(estimator, grid, cv=3, reuse=reuse).fit(*iris)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])


def test_predictions_are_not_kept_by_default(iris):
    search = GridSearch(GaussianNB(), {"var_smoothing": [1e-9]}).fit(*iris)
    assert all(fold.predictions is None for trial in search.history_ for fold in trial.folds)
    with pytest.raises(ValueError, match="return_predictions=True"):
        search.out_of_fold_predictions()
    with pytest.raises(NotFittedError):
        clone(search).out_of_fold_predictions()


def test_string_labels(iris):
    y = np.array(["setosa", "versicolor", "virginica"], dtype=object)[iris[1]]
    search = GridSearch(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=3, return_predictions=True
    )
    assert_equal_to_separate_fits(search.fit(iris[0], y), iris[0], y, "predict_proba")
    (fold,) = {tuple(fold.predictions.classes) for trial in search.history_ for fold in trial.folds}
    assert fold == ("setosa", "versicolor", "virginica")
    assert (search.history_[0].folds[0].predictions.labels == "setosa").any()


@pytest.mark.parametrize(
    "estimator", [RandomForestRegressor(5, random_state=0), DecisionTreeRegressor(random_state=0)]
)
@pytest.mark.parametrize("n_targets", [1, 2])
def test_regression_with_one_output_and_several(estimator, n_targets):
    X, y = make_regression(60, 4, n_targets=n_targets, noise=1, random_state=0)
    search = GridSearch(estimator, {"max_depth": [1, 3]}, cv=3, return_predictions=True).fit(X, y)
    assert_equal_to_separate_fits(search, X, y, "predict")


@pytest.mark.parametrize(
    "estimator, method",
    [
        (KNeighborsClassifier(), "predict_proba"),
        (GaussianNB(), "predict_proba"),
        (RidgeClassifier(), "decision_function"),
    ],
)
@pytest.mark.parametrize("n_classes", [3, 4])
def test_a_class_missing_from_a_training_part(estimator, method, n_classes):
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(n_classes), 12) * 2
    X = rng.normal(size=(len(y), 2)) + y[:, np.newaxis]
    cv = KFold(n_classes)  # each test part is a class that no model of that fold knows
    search = GridSearch(estimator, {}, cv=cv, return_predictions=True).fit(X, y)
    ours = search.out_of_fold_predictions()
    assert ours.shape == (len(y), n_classes)
    worst = 0 if method == "predict_proba" else np.finfo(float).min
    assert (ours[np.arange(len(y)), y // 2] == worst).all()
    if n_classes > 3 or method == "predict_proba":  # else theirs refuses
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(ours, cross_val_predict(estimator, X, y, cv=cv, method=method))
    else:
        known = np.delete(ours[0], 0)
        assert known[0] == -known[1]


def test_repeated_rows_are_averaged_and_untested_rows_are_nan(iris):
    cv = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    search = GridSearch(GaussianNB(), {"var_smoothing": [1e-9]}, cv=cv, return_predictions=True).fit(*iris)
    total = np.zeros((150, 3))
    for train, test in cv.split(*iris):
        total[test] += GaussianNB().fit(iris[0][train], iris[1][train]).predict_proba(iris[0][test])
    np.testing.assert_allclose(search.out_of_fold_predictions(), total / 2)

    cv = ShuffleSplit(n_splits=2, test_size=0.2, random_state=0)
    search.set_params(cv=cv).fit(*iris)
    tested = np.unique(np.concatenate([test for _, test in cv.split(*iris)]))
    assert sorted(np.flatnonzero(~np.isnan(search.out_of_fold_predictions()[:, 0]))) == tested.tolist()


def test_repeated_rows_have_the_most_frequent_label(iris):
    y = np.array(["a", "b", "c"])[iris[1]]
    search = GridSearch(
        Null(), {"value": [1]}, cv=RepeatedKFold(random_state=0), return_predictions=True
    ).fit(iris[0], y)
    assert search.out_of_fold_predictions().tolist() == ["b"] * 150
    search.set_params(cv=ShuffleSplit(1, random_state=0)).fit(iris[0], y)
    labels = search.out_of_fold_predictions().tolist()
    assert (labels.count("b"), labels.count(None)) == (15, 135)


def test_labels_need_not_be_the_most_probable_class(iris):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # probability=True is deprecated
        search = GridSearch(
            SVC(probability=True, random_state=0), {"C": [0.02]}, cv=3, return_predictions=True
        )
        search.fit(*iris)
    (trial,) = search.history_
    right = [
        (fold.predictions.labels == fold.predictions.values.argmax(axis=1)).all() for fold in trial.folds
    ]
    assert not all(right)
    score = np.mean(
        [(f.predictions.labels == iris[1][t]).mean() for f, (_, t) in zip(trial.folds, folds(search, iris))]
    )
    assert score == pytest.approx(search.best_score_)


def folds(search, data):
    return check_cv(search.cv, data[1], classifier=True).split(*data)


def test_several_outputs_and_multilabel(iris):
    Y = np.column_stack([iris[1] == 0, iris[1] == 1]).astype(int)
    search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [5]}, cv=KFold(3), return_predictions=True)
    assert set(np.unique(search.fit(iris[0], Y).out_of_fold_predictions())) == {0, 1}
    search = GridSearch(
        OneVsRestClassifier(GaussianNB()),
        {"estimator__var_smoothing": [1e-9]},
        cv=KFold(3, shuffle=True),
        refit=True,
    )
    search.set_params(return_predictions=True).fit(iris[0], Y)
    assert search.out_of_fold_predictions().shape == (150, 2)


def test_predictions_of_clusterers(iris):
    search = GridSearch(
        KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}, cv=3, return_predictions=True
    )
    labels = search.fit(iris[0]).out_of_fold_predictions(1)
    assert set(labels) == {0, 1, 2}


def test_estimators_without_predictions(iris):
    for estimator, grid in ((PCA(), {"n_components": [1, 2]}), (CannotPredict(), {"value": [1, 2]})):
        search = GridSearch(estimator, grid, error_score="raise", refit=False, return_predictions=True).fit(
            *iris
        )
        assert all(
            fold.predictions is None and fold.state == "ok"
            for trial in search.history_
            for fold in trial.folds
        )
        with pytest.raises(ValueError, match="no predictions of candidate 1: it cannot predict"):
            search.out_of_fold_predictions(1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_candidates_without_predictions_and_unknown_candidates(iris):
    search = GridSearch(Failing(bad=(1,)), {"value": [0, 1]}, cv=3, return_predictions=True).fit(*iris)
    with pytest.raises(ValueError, match="no predictions of candidate 1: its state is 'failed'"):
        search.out_of_fold_predictions(1)
    with pytest.raises(ValueError, match="index == 2"):
        search.out_of_fold_predictions(2)
    with pytest.raises(TypeError, match="index"):
        search.out_of_fold_predictions("best")
    search = GridSearch(
        GaussianNB(), {}, scoring=["accuracy", "f1_macro"], refit=False, return_predictions=True
    ).fit(*iris)
    with pytest.raises(ValueError, match="no best candidate"):
        search.out_of_fold_predictions()
    with pytest.raises(ValueError, match="return_predictions"):
        GridSearch(GaussianNB(), {}, return_predictions="yes").fit(*iris)


def test_the_time_of_predictions_is_not_counted(iris):
    search = GridSearch(SlowToPredict(), {"value": [1]}, cv=2, return_predictions=True).fit(*iris)
    (trial,) = search.history_
    assert all(fold.predictions.method == "predict_proba" for fold in trial.folds)
    assert all(fold.fit_time + fold.score_time < 0.1 for fold in trial.folds)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("search", [RandomSearch, BayesSearchCV])
def test_a_race_keeps_the_predictions_of_evaluated_folds(search, n_jobs, iris):
    space = {"C": [1e-4, 1e-3, 1e-2, 1, 10, 100], "gamma": [1e-4, 0.1, 10]}
    raced = search(SVC(), space, n_iter=8, racing=True, random_state=0, return_predictions=True)
    raced.fit(*iris)
    for i, trial in enumerate(raced.history_):
        assert [fold.predictions is not None for fold in trial.folds] == [
            f.state != "skipped" for f in trial.folds
        ]
        n_rows = 30 * len(trial.evaluated)
        assert np.isfinite(raced.out_of_fold_predictions(i)).all(axis=1).sum() == n_rows
    assert np.isfinite(raced.out_of_fold_predictions()).all()


def test_hyperband_keeps_the_predictions_of_every_rung(iris):
    search = HyperbandSearchCV(
        RandomForestClassifier(9, random_state=0),
        {"max_depth": [1, 2, 3, 4, 5, 6, 7, 8, 9]},
        n_candidates=9,
        random_state=0,
        return_predictions=True,
    ).fit(*iris)
    params = search.best_params_
    np.testing.assert_array_equal(
        search.out_of_fold_predictions(),
        separate_predictions(search.estimator, params, *iris, 5, "predict_proba"),
    )
    for trial in search.history_:  # preset folds have the predictions of the lower rung
        assert all(fold.predictions is not None for fold in trial.evaluated)


def test_predictions_survive_warm_starts_pickling_and_previous(iris):
    search = GridSearch(
        GaussianNB(), {"var_smoothing": [1e-9, 1]}, cv=3, return_predictions=True, warm_start=True
    )
    first = search.fit(*iris).out_of_fold_predictions(0)
    search.set_params(param_grid={"var_smoothing": [1e-9, 1, 10]}).fit(*iris)
    np.testing.assert_array_equal(search.out_of_fold_predictions(0), first)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.out_of_fold_predictions(2), search.out_of_fold_predictions(2))
    later = GridSearch(GaussianNB(), {"var_smoothing": [1]}, cv=3, return_predictions=True, previous=search)
    np.testing.assert_array_equal(later.fit(*iris).out_of_fold_predictions(0), first)


def test_a_point_evaluated_by_hand_has_predictions(iris):
    search = ManualSearch(LinearSVC(random_state=0), [{"C": 0.1}], cv=3, return_predictions=True).fit(*iris)
    search.evaluate(*iris, C=1.0)
    assert search.out_of_fold_predictions(1).shape == (150, 3)


def test_the_data_may_be_a_data_frame():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    search = GridSearch(Ridge(), {"alpha": [0.1, 1]}, cv=3, return_predictions=True).fit(X, y)
    np.testing.assert_allclose(search.out_of_fold_predictions(1), cross_val_predict(Ridge(), X, y, cv=3))
