"""``"auto"`` in place of a search space."""

import pickle

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, RandomSearch, Space, read_journal, report
from skhpt.spaces import default_space

SEARCHES = {
    "grid": lambda estimator, space="auto", **kwargs: GridSearch(
        estimator, space, resolution=2, cv=2, **kwargs
    ),
    "random": lambda estimator, space="auto", **kwargs: RandomSearch(
        estimator, space, n_iter=4, random_state=0, cv=2, **kwargs
    ),
    "bayes": lambda estimator, space="auto", **kwargs: BayesSearchCV(
        estimator, space, n_iter=5, n_initial=4, max_pending=2, random_state=0, cv=2, **kwargs
    ),
    "hyperband": lambda estimator, space="auto", **kwargs: HyperbandSearchCV(
        estimator, space, n_candidates=4, random_state=0, cv=2, **kwargs
    ),
}


@pytest.fixture(params=sorted(SEARCHES))
def make(request):
    return SEARCHES[request.param]


def params_of(search):
    return [trial.candidate.params for trial in search.history_]


@pytest.fixture
def pipeline():
    return make_pipeline(PCA(random_state=0), KNeighborsClassifier())


def test_it_stands_for_the_default_space(make, pipeline, iris):
    search = make(pipeline).fit(*iris)
    space = default_space(pipeline, *iris)
    assert repr(search.space_) == repr(space)
    assert params_of(search) == params_of(make(pipeline, space).fit(*iris))
    assert all(Space(space).contains(params) for params in params_of(search))


def test_the_parameter_stays_auto(make, pipeline, iris):
    search = make(pipeline)
    before = repr(search)
    search.fit(*iris)
    assert repr(search) == repr(clone(search)) == before
    assert "auto" in search.get_params().values()
    copied = pickle.loads(pickle.dumps(search))
    assert repr(copied.space_) == repr(search.space_)


def test_a_space_of_the_user_is_kept_too(make, iris):
    space = {"C": loguniform(0.1, 10)}
    assert make(LogisticRegression(max_iter=500), space).fit(*iris).space_ == space


def test_the_space_of_the_last_fit_is_that_of_its_data(pipeline, iris):
    X, y = iris
    search = SEARCHES["random"](pipeline).fit(X, y)
    first = search.space_
    search.fit(X[:, :3], y)
    assert first["pca__n_components"].support()[1] == 4
    assert search.space_["pca__n_components"].support()[1] == 3


def test_with_any_number_of_workers(make, pipeline, iris):
    assert params_of(make(pipeline, n_jobs=2).fit(*iris)) == params_of(make(pipeline).fit(*iris))


def test_other_parameters_must_be_spaces(make, iris):
    with pytest.raises(ValueError, match=r"parameter of .* must be .* among {'auto'}.*Did you mean 'auto'"):
        make(SVC(), "Auto").fit(*iris)


def test_an_estimator_without_a_default_space_is_named(make, iris):
    with pytest.raises(ValueError, match="no default space for LinearRegression"):
        make(LinearRegression()).fit(*iris)


def test_a_constraint_applies(iris):
    search = RandomSearch(
        KNeighborsClassifier(), "auto", n_iter=8, random_state=0, constraint=lambda params: params["p"] == 1
    ).fit(*iris)
    assert {params["p"] for params in params_of(search)} == {1}


# -- journal, warm start, earlier results --------------------------------------------------------------------------


def test_a_journal_is_resumed_with_the_same_space(make, pipeline, iris, tmp_path):
    path = tmp_path / "search.jsonl"
    undisturbed = make(pipeline).fit(*iris)
    first = make(pipeline, journal=path).fit(*iris)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: len(lines) // 2]))
    resumed = make(pipeline, journal=path).fit(*iris)
    assert params_of(first) == params_of(resumed) == params_of(undisturbed)
    assert read_journal(path).space[0].keys() == undisturbed.space_.keys()


def test_a_journal_with_kernels_of_gaussian_processes(iris, tmp_path):
    from sklearn.gaussian_process import GaussianProcessClassifier

    X, y = iris[0][::5], iris[1][::5] > 0
    search = RandomSearch(
        GaussianProcessClassifier(), "auto", n_iter=3, cv=2, random_state=0, journal=tmp_path / "gp.jsonl"
    )
    assert params_of(clone(search).fit(X, y)) == params_of(clone(search).fit(X, y))


def test_a_journal_of_other_data_is_refused(pipeline, iris, tmp_path):
    X, y = iris
    search = SEARCHES["random"](pipeline, journal=tmp_path / "search.jsonl").fit(X, y)
    with pytest.raises(ValueError, match="data"):
        search.fit(X[:, :3], y)


def test_a_warm_start_adds_candidates(pipeline, iris):
    search = SEARCHES["random"](pipeline, warm_start=True).fit(*iris)
    longer = search.set_params(n_iter=6).fit(*iris)
    assert len(longer.history_) == 6
    assert params_of(longer) == params_of(SEARCHES["random"](pipeline).set_params(n_iter=6).fit(*iris))


def test_a_later_search_takes_earlier_results(pipeline, iris):
    first = SEARCHES["random"](pipeline).fit(*iris)
    second = BayesSearchCV(pipeline, "auto", n_iter=5, random_state=0, cv=2, previous=first).fit(*iris)
    assert len(second.history_) >= 5


def test_the_score_of_a_candidate_is_predicted_in_the_space(pipeline, iris):
    search = SEARCHES["bayes"](pipeline).fit(*iris)
    mean, std = search.predict_score(search.best_params_)
    assert mean <= 1
    assert std >= 0


def test_a_report_shows_the_space(pipeline, iris):
    pytest.importorskip("jinja2")
    page = report(SEARCHES["random"](pipeline).fit(*iris))._repr_html_()
    assert "kneighborsclassifier__n_neighbors" in page


# -- folds -----------------------------------------------------------------------------------------------------------


def test_folds_with_few_rows_limit_the_space(iris):
    X, y = iris[0][::5], iris[1][::5]
    search = RandomSearch(KNeighborsClassifier(), "auto", n_iter=3, random_state=0)
    assert search.set_params(cv=TimeSeriesSplit(4)).fit(X, y).space_["n_neighbors"].support()[1] == 3
    assert (
        search.set_params(cv=5).fit(X, y).space_["n_neighbors"].support()[1] == 7
    )  # half of half of the rows


def test_folds_of_a_generator_are_used_once(iris):
    search = RandomSearch(GaussianNB(), "auto", n_iter=2, random_state=0, cv=KFold(3).split(iris[0]))
    assert search.fit(*iris).n_splits_ == 3


def test_random_numbers_are_those_of_a_search_with_the_space(pipeline, iris):
    draws = []
    for space in ("auto", default_space(pipeline, *iris)):
        np.random.seed(0)
        folds = KFold(3, shuffle=True, random_state=np.random.RandomState(1))
        search = RandomSearch(pipeline, space, n_iter=3, cv=folds).fit(*iris)
        draws.append((params_of(search), search.best_score_, np.random.rand()))
    assert draws[0] == draws[1]


# -- single searches -------------------------------------------------------------------------------------------------


def test_a_grid_that_is_too_large_is_refused(iris):
    with pytest.raises(ValueError, match=r"grid of 1,332 points.*resolution=2.*RandomSearch"):
        GridSearch(make_pipeline(PCA(), SVC(), memory=None), "auto", resolution=12).fit(*iris)


def test_a_grid_that_is_too_large_names_a_smaller_one(iris):
    with pytest.raises(ValueError, match=r"resolution=2: 16 points"):
        GridSearch(DecisionTreeClassifier(), "auto", resolution=12).fit(*iris)
    assert len(GridSearch(DecisionTreeClassifier(), "auto", resolution=2, cv=2).fit(*iris).history_) == 16


def test_the_plan_of_a_search_is_that_of_its_space(pipeline, iris):
    assert SEARCHES["random"](pipeline).plan(*iris).n_candidates == 4
    assert SEARCHES["hyperband"](pipeline).plan(*iris).n_candidates == 4


@pytest.mark.parametrize(
    ("estimator", "resource", "expected"),
    [
        (ExtraTreesClassifier(9, random_state=0), "auto", "n_estimators"),
        (SGDClassifier(max_iter=9, tol=None, random_state=0), "auto", "epochs"),
        (make_pipeline(PCA(), SVC()), "auto", "folds"),
        (KNeighborsClassifier(), "n_samples", "n_samples"),
        (make_pipeline(DecisionTreeClassifier(random_state=0)), "decisiontreeclassifier__max_depth", None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_resource_is_not_in_the_space(estimator, resource, expected, iris):
    largest = {"max_resources": 9} if expected is None else {}
    search = HyperbandSearchCV(
        estimator,
        "auto",
        resource=resource,
        n_candidates=9,
        cv=3,
        random_state=0,
        error_score="raise",
        **largest,
    )
    search.fit(*iris)
    assert search.resource_ == (expected or resource)
    spaces = search.space_ if isinstance(search.space_, list) else [search.space_]
    assert not any(search.resource_ in branch for branch in spaces)


def test_a_resource_that_is_the_whole_space_is_refused(iris):
    search = HyperbandSearchCV(make_pipeline(PCA()), "auto", resource="pca__n_components")
    with pytest.raises(ValueError, match="leaves nothing to search for Pipeline besides its resource"):
        search.fit(*iris)


def test_searches_of_scikit_learn_take_the_space(iris):
    space = default_space(KNeighborsClassifier(), *iris)
    theirs = RandomizedSearchCV(KNeighborsClassifier(), space, n_iter=4, random_state=0, cv=2).fit(*iris)
    ours = SEARCHES["random"](KNeighborsClassifier()).fit(*iris)
    assert theirs.cv_results_["params"] == ours.cv_results_["params"]
    assert (
        GridSearchCV(KNeighborsClassifier(), {"weights": space["weights"]}, cv=2).fit(*iris).best_score_ > 0.9
    )
