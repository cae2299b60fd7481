"""The searches as scikit-learn estimators: its checks, its compositions, its callbacks."""

import pickle
from contextlib import nullcontext

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from skhpt.callbacks import SearchCallback
from tests.estimators import Failing, LogUniform

CLASSIFIER, REGRESSOR = LogisticRegression(), Ridge()
TRANSFORMER = KMeans(2, n_init=1, random_state=0)  # transforms and scores
CHECKED = [
    GridSearch(CLASSIFIER, {"C": [0.1, 1.0]}, cv=2, error_score="raise"),
    GridSearch(REGRESSOR, {"alpha": LogUniform(0.1, 1.0)}, resolution=2, cv=2, error_score="raise"),
    GridSearch(TRANSFORMER, {"n_clusters": [2, 3]}, cv=2, error_score="raise"),
    RandomSearch(
        CLASSIFIER, {"C": LogUniform(0.1, 1.0)}, n_iter=2, cv=2, random_state=0, error_score="raise"
    ),
    RandomSearch(REGRESSOR, "auto", n_iter=2, cv=2, random_state=0, error_score="raise"),
    BayesSearchCV(
        CLASSIFIER,
        {"C": LogUniform(0.1, 1.0)},
        n_iter=3,
        n_initial=2,
        cv=2,
        random_state=0,
        error_score="raise",
    ),
    HyperbandSearchCV(
        CLASSIFIER, {"C": LogUniform(0.1, 1.0)}, n_candidates=3, cv=2, random_state=0, error_score="raise"
    ),
    HyperbandSearchCV(
        SGDClassifier(max_iter=9, random_state=0),
        {"alpha": LogUniform(1e-4, 1)},
        n_candidates=3,
        cv=2,
        random_state=0,
        error_score="raise",
    ),
    ManualSearch(CLASSIFIER, [{"C": 0.1}, {}], cv=2, error_score="raise"),
]


@parametrize_with_checks(CHECKED)
@pytest.mark.filterwarnings("default")
def test_scikit_learns_checks(estimator, check):
    check(estimator)


SEARCHES = {
    "grid": lambda estimator, **grid: GridSearch(estimator, grid, cv=3),
    "random": lambda estimator, **grid: RandomSearch(estimator, grid, n_iter=3, random_state=0, cv=3),
    "bayes": lambda estimator, **grid: BayesSearchCV(estimator, grid, n_iter=3, random_state=0, cv=3),
    "hyperband": lambda estimator, **grid: HyperbandSearchCV(
        estimator, grid, n_candidates=3, random_state=0, cv=3
    ),
    "manual": lambda estimator, **grid: ManualSearch(
        estimator, [{name: value} for name, values in grid.items() for value in values], cv=3
    ),
}


@pytest.fixture(params=sorted(SEARCHES))
def make(request):
    """A function that makes a search over an estimator and lists of values."""
    return SEARCHES[request.param]


@pytest.fixture(params=sorted(SEARCHES.keys() - {"hyperband"}))
def make_whole(request):
    """The same, for searches that evaluate every candidate once, on all folds."""
    return SEARCHES[request.param]


def test_it_is_a_search_of_scikit_learn(make):
    search = make(SVC(), C=[1, 2, 3])
    assert isinstance(search, BaseSearchCV)
    assert is_classifier(search)
    assert is_regressor(make(Ridge(), alpha=[1, 2, 3]))
    assert repr(clone(search)) == repr(search)


def test_inside_a_pipeline_and_cross_validated(make, iris):
    pipe = make_pipeline(StandardScaler(), make(SVC(), C=[0.1, 1, 10]))
    scores = cross_val_score(pipe, *iris)
    assert scores.mean() > 0.9
    assert pipe.fit(*iris).predict(iris[0]).shape == (150,)


def test_around_a_pipeline(make, iris):
    search = make(make_pipeline(StandardScaler(), SVC()), svc__C=[0.1, 1, 10]).fit(*iris)
    assert search.score(*iris) > 0.9
    assert search.classes_.tolist() == [0, 1, 2]
    assert search.n_features_in_ == 4


def test_inside_ensembles_and_wrappers(make, iris):
    search = make(LogisticRegression(max_iter=300), C=[0.1, 1, 10])
    stacking = StackingClassifier([("search", search), ("svc", SVC())], final_estimator=LogisticRegression())
    assert stacking.fit(*iris).score(*iris) > 0.9
    assert CalibratedClassifierCV(search, cv=2).fit(*iris).predict_proba(iris[0]).shape == (150, 3)
    X, y = load_diabetes(return_X_y=True)
    inside = TransformedTargetRegressor(make(Ridge(), alpha=[0.1, 1, 10]), func=np.log, inverse_func=np.exp)
    around = make(
        TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp), regressor__alpha=[0.1, 1, 10]
    )
    for regressor in (inside, around):
        assert regressor.fit(X, y).score(X, y) > 0.2


def test_a_search_inside_a_search(make, iris):
    outer = GridSearch(make(SVC(), C=[0.1, 1, 10]), {"estimator__kernel": ["rbf", "linear"]}, cv=2, n_jobs=2)
    outer.fit(*iris)
    inner = outer.best_estimator_
    assert inner.best_estimator_.get_params()["kernel"] == outer.best_params_["estimator__kernel"]


def test_pickled_it_predicts_the_same(make, iris):
    search = make(SVC(), C=[0.1, 1, 10]).fit(*iris)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(iris[0]), search.predict(iris[0]))
    assert again.leaderboard_text() == search.leaderboard_text()


@pytest.mark.parametrize("library", [pd, pl])
def test_tables(make, iris, library):
    columns = dict(zip("abcd", iris[0].T, strict=True)) | {"kind": np.where(iris[1] > 1, "x", "y")}
    frame, y = library.DataFrame(columns), library.Series(iris[1])
    pipe = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["kind"]), remainder=StandardScaler()), LogisticRegression()
    )
    search = make(pipe, logisticregression__C=[0.1, 1, 10]).fit(frame, y)
    assert search.feature_names_in_.tolist() == ["a", "b", "c", "d", "kind"]
    assert search.predict(frame).shape == (150,)


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_set_output(make, iris, output):
    search = make(
        make_pipeline(StandardScaler().set_output(transform=output), LinearRegression()), **LINEAR_GRID
    )
    search.fit(iris[0], iris[1].astype(float))
    scaled = search.best_estimator_[:-1].transform(iris[0])
    assert type(scaled).__module__.startswith(output)


LINEAR_GRID = {"linearregression__fit_intercept": [True, False], "linearregression__positive": [True, False]}


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array])
def test_sparse_data(make_whole, iris, kind):
    X = kind(np.where(iris[0] > 2, iris[0], 0))
    ours = make_whole(SVC(), C=[0.1, 1.0, 10.0]).fit(X, iris[1])
    theirs = GridSearchCV(SVC(), {"C": [0.1, 1.0, 10.0]}, cv=3).fit(X, iris[1])
    assert sorted(ours.cv_results_["mean_test_score"]) == sorted(theirs.cv_results_["mean_test_score"])


def test_sparse_rows_with_unsorted_indices_are_not_shared(iris):
    X = sparse.csr_matrix(np.where(iris[0] > 2, iris[0], 0))
    for start, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        X.indices[start:end], X.data[start:end] = X.indices[start:end][::-1], X.data[start:end][::-1]
    X.has_sorted_indices = False
    grid = {"C": [0.1, 1.0], "kernel": ["rbf", "linear"]}
    ours, theirs = (search(SVC(), grid).fit(X.copy(), iris[1]) for search in (GridSearch, GridSearchCV))
    np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])


def test_text(make):
    texts = ["good film", "bad film", "good plot", "bad plot", "good", "bad"] * 4
    search = make(make_pipeline(TfidfVectorizer(), LogisticRegression()), tfidfvectorizer__min_df=[1, 2, 3])
    assert search.fit(texts, [1, 0] * 12).predict(["good good"]).tolist() == [1]


def test_without_a_target(make):
    X = np.random.RandomState(0).rand(60, 2)
    search = make(KMeans(n_init=1, random_state=0), n_clusters=[2, 3, 4]).fit(X)
    assert search.best_params_ == {"n_clusters": 4}
    assert search.transform(X).shape == (60, 4)


def test_metadata_routing(iris):
    weights = np.random.RandomState(0).uniform(1, 2, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        results = []
        for search in (GridSearch, GridSearchCV):
            estimator = LogisticRegression(max_iter=300).set_fit_request(sample_weight=True)
            estimator.set_score_request(sample_weight=True)
            fitted = search(estimator, {"C": [0.1, 1]}, n_jobs=2).fit(*iris, sample_weight=weights)
            results.append(fitted.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*results)


def test_the_documentation_renders_the_search(make, iris):
    search = make(SVC(), C=[0.1, 1, 10])
    assert "SVC" in search._repr_html_()
    assert "best_estimator_" in search.fit(*iris)._repr_html_()


def test_tab_completion_lists_the_fitted_attributes(make_whole, iris):
    search = make_whole(SVC(), C=[0.1, 1, 10]).fit(*iris)
    assert {"cv_results_", "history_", "reuse_report_", "stop_reason_"} <= set(dir(search))


# -- callbacks -----------------------------------------------------------------------------------------------

needs_callbacks = pytest.mark.skipif(not hasattr(BaseSearchCV, "set_callbacks"), reason="scikit-learn >= 1.9")


class Recorder:
    """A callback that writes down what it is told; in a process of its own, it keeps it there."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context):
        self.events.append(("end", context.task_name, context.task_id))

    def teardown(self, estimator, context):
        self.events.append("teardown")


@needs_callbacks
def test_callbacks_are_told_of_every_task(make_whole, iris):
    recorder = Recorder()
    make_whole(SVC(), C=[0.1, 1, 10]).set_callbacks(recorder).fit(*iris)
    folds = [(kind, "candidate-split-evaluation", i) for i in range(9) for kind in ("begin", "end")]
    search, refit = ("search", 0), ("refit-with-best-params", 1)
    inside = [("begin", *search), *folds, ("end", *search), ("begin", *refit), ("end", *refit)]
    assert sorted_pairs(recorder.events) == [
        "setup",
        ("begin", "fit", 0),
        *inside,
        ("end", "fit", 0),
        "teardown",
    ]


def sorted_pairs(events):
    """Sort the evaluations: candidates that share fits are evaluated in another order."""
    is_fold = [event[1] == "candidate-split-evaluation" for event in events]
    start, stop = is_fold.index(True), len(is_fold) - is_fold[::-1].index(True)
    pairs = [events[i : i + 2] for i in range(start, stop, 2)]
    pairs.sort(key=lambda pair: pair[0][2])
    return [*events[:start], *(event for pair in pairs for event in pair), *events[stop:]]


class Propagated(Recorder):
    """A callback that follows the fits of estimators that support callbacks."""

    max_propagation_depth = 1


def _pairs(n):
    return [(kind, "candidate-split-evaluation", i) for i in range(n) for kind in ("begin", "end")]


class DrawsOnce(StandardScaler):
    """Not known to draw nothing; so the first of its fits is made twice."""

    def fit(self, X, y=None):
        np.random.rand()
        return super().fit(X, y)


GRIDS_TO_WATCH = {
    "a shared step": (make_pipeline(PCA(2), DecisionTreeClassifier(random_state=0)), "tree", True),
    "a shared model": (DecisionTreeClassifier(random_state=0), "same", True),
    "failing candidates": (make_pipeline(PCA(2), Failing(bad=(0,))), "failing", True),
    "sharing that is refused": (
        make_pipeline(DrawsOnce(), DecisionTreeClassifier(random_state=0)),
        "tree",
        False,
    ),
}
VALUES = {
    "tree": {"decisiontreeclassifier__max_depth": [1, 2, 3]},
    "same": [{"max_depth": [1]}, {"max_depth": [1]}, {"max_depth": [1, 2]}],
    "failing": {"failing__value": [0, 1, 2]},
}


@needs_callbacks
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores"
)
@pytest.mark.parametrize("name", GRIDS_TO_WATCH)
def test_fits_are_shared_whoever_watches(name, iris):
    estimator, values, saves = GRIDS_TO_WATCH[name]
    unwatched = GridSearch(estimator, VALUES[values], cv=2, refit=False).fit(*iris)
    recorder = Recorder()
    watched = GridSearch(estimator, VALUES[values], cv=2, refit=False).set_callbacks(recorder).fit(*iris)
    assert watched.reuse_report_.n_fits == unwatched.reuse_report_.n_fits
    assert (watched.reuse_report_.n_fits < watched.reuse_report_.plan.n_fits_asked) == saves
    n_folds = 2 * len(watched.cv_results_["params"])
    assert sorted_pairs(recorder.events)[3:-3] == _pairs(n_folds)


@needs_callbacks
@pytest.mark.filterwarnings("ignore:The estimator .* does not support callbacks")
@pytest.mark.parametrize(
    "estimator, grid, follows",
    [
        (DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2], "ccp_alpha": [0.0, 0.1]}, False),
        (make_pipeline(PCA(2), LogisticRegression()), {"logisticregression__C": [1, 2, 3]}, True),
        (LogisticRegression(), {"max_iter": [1000, 2000]}, True),
    ],
)
def test_fits_are_not_shared_if_callbacks_follow_them(estimator, grid, follows, iris):
    follows = follows and hasattr(estimator, "set_callbacks")
    search = GridSearch(estimator, grid, cv=2, refit=False).set_callbacks(Propagated())
    warning = pytest.warns(match="Propagated follows the inside of every fit") if follows else nullcontext()
    with warning:
        search.fit(*iris)
    assert (search.reuse_report_.n_fits == 0) == follows
    assert ("callbacks follow every fit" in str(search.reuse_report_)) == follows


@needs_callbacks
def test_a_progress_bar_does_not_follow_fits(iris):
    from sklearn.callback import ProgressBar

    estimator, grid = make_pipeline(PCA(2), LogisticRegression()), {"logisticregression__C": [1, 2, 3]}
    search = GridSearch(estimator, grid, cv=2, refit=False).set_callbacks(ProgressBar()).fit(*iris)
    assert search.reuse_report_.saves


@needs_callbacks
def test_a_callback_of_the_level_of_the_search_does_not_follow_fits(iris):
    recorder = Propagated()
    recorder.max_propagation_depth = 0
    estimator, grid = make_pipeline(PCA(2), LogisticRegression()), {"logisticregression__C": [1, 2, 3]}
    search = GridSearch(estimator, grid, cv=2, refit=False).set_callbacks(recorder).fit(*iris)
    assert search.reuse_report_.saves
    assert sorted_pairs(recorder.events)[3:-3] == _pairs(6)


@needs_callbacks
def test_callbacks_of_both_kinds_are_set_together(iris):
    recorder, told = Recorder(), []

    class Told(SearchCallback):
        def on_candidate_finished(self, search, trial, status):
            told.append(trial.candidate.id)

    search = GridSearch(SVC(), {"C": [1, 2]}, cv=2, refit=False).set_callbacks(Told(), recorder).fit(*iris)
    assert told == [0, 1]
    assert recorder.events[-1] == "teardown"
    search.set_callbacks().fit(*iris)
    assert told == [0, 1]


@needs_callbacks
def test_callbacks_are_torn_down_after_an_error(iris):
    recorder = Recorder()
    with pytest.raises(ArithmeticError):
        GridSearch(Failing(bad=(0,)), {"value": [0]}, error_score="raise").set_callbacks(recorder).fit(*iris)
    assert recorder.events[-2:] == [("end", "candidate-split-evaluation", 0), "teardown"]


@needs_callbacks
def test_task_ids_go_on_in_a_warm_start(iris):
    recorder = Recorder()
    search = (
        GridSearch(SVC(), {"C": [1]}, cv=2, refit=False, warm_start=True).set_callbacks(recorder).fit(*iris)
    )
    recorder.events.clear()
    search.set_params(param_grid={"C": [1, 2]}).fit(*iris)
    assert [task[2] for task in recorder.events if task[:2] == ("begin", "candidate-split-evaluation")] == [
        2,
        3,
    ]


@needs_callbacks
def test_a_task_does_not_carry_its_siblings_along(iris):
    from skhpt.session.sklearn_callbacks import SklearnCallbacks
    from skhpt.trial import Candidate

    search = GridSearch(SVC(), {"C": [1]}).set_callbacks(Recorder())
    callbacks = SklearnCallbacks(search, *iris, None)
    callbacks.begin_search(1000, 5)
    sizes = [len(pickle.dumps(callbacks.observe(Candidate(i, {}), 0)._context)) for i in range(1000)]
    assert max(sizes) < sizes[0] + 100


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.filterwarnings("ignore:The estimator SVC does not support callbacks")
def test_progress_bar(iris, n_jobs, capsys):
    from sklearn.callback import ProgressBar

    search = GridSearch(SVC(), {"C": [0.1, 1]}, n_jobs=n_jobs).set_callbacks(ProgressBar())
    search.fit(*iris)
    assert "GridSearch - search" in capsys.readouterr().out


@needs_callbacks
def test_callbacks_of_the_estimator_alone_see_the_whole_tree(iris):
    from sklearn.callback import CallbackContext

    seen = []

    class Inner(Recorder):
        def on_fit_task_begin(self, estimator, context):
            seen.append([c.task_name for c in path(context)])

    def path(context):
        return [] if not isinstance(context, CallbackContext) else [*path(context.parent), context]

    supporting = next(
        (e for e in (LogisticRegression(), SVC(), RandomForestClassifier()) if hasattr(e, "set_callbacks")),
        None,
    )
    if supporting is None:
        pytest.skip("no estimator of this scikit-learn supports callbacks")
    with pytest.warns(match="Inner follows the inside of every fit"):
        GridSearch(supporting.set_callbacks(Inner()), {"random_state": [0]}, cv=2, refit=False).fit(*iris)
    assert seen
    assert all(names[:2] == ["fit", "search"] for names in seen)
