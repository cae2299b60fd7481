"""Ranges in the notation of scikit-optimize mean the same in every search; what looks like a mistake is named."""

import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import ParameterGrid, ParameterSampler

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, RandomSearch, Space
from skhpt.distributions import loguniform_int
from tests.estimators import Null
from tests.space.examples import Categorical, Integer, Real

X, Y = np.zeros((12, 1)), np.arange(12) % 2


@pytest.mark.parametrize(
    "definition, equivalent",
    [
        ((1e-3, 1e3, "log-uniform"), stats.loguniform(1e-3, 1e3)),
        ([1e-3, 1e3, "log-uniform"], stats.loguniform(1e-3, 1e3)),
        ((1e-3, 1e3, "log-uniform", 10), stats.loguniform(1e-3, 1e3)),
        ((0.0, 2.0, "uniform"), stats.uniform(0.0, 2.0)),
        ((1, 9, "uniform"), stats.randint(1, 10)),
        ((np.int64(1), np.int32(9), "uniform"), stats.randint(1, 10)),
        ((1, 9, "log-uniform"), loguniform_int(1, 9)),
        ((1, 9.5, "uniform"), stats.uniform(1, 8.5)),
        (Real(1, 10, "log-uniform"), stats.loguniform(1, 10)),
        (Real(1, 10), stats.uniform(1, 9)),
        (Integer(1, 9), stats.randint(1, 10)),
        (Categorical(("a", "b")), ["a", "b"]),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_ranges_have_equivalents(definition, equivalent):
    actual, expected = Space([{"x": definition}]), Space({"x": equivalent})
    assert actual.columns[0].dimension.same_as(expected.columns[0].dimension)


@pytest.mark.parametrize(
    "definition, equivalent",
    [
        ((0.5, 8.0, "uniform"), stats.uniform(0.5, 7.5)),
        ([2, 200, "log-uniform"], loguniform_int(2, 200)),
        (Real(0.1, 9.0, "log-uniform"), stats.loguniform(0.1, 9.0)),
    ],
)
def test_a_range_means_the_same_in_every_search(definition, equivalent):
    shared = {"cv": 2, "scoring": lambda estimator, X, y: -abs(estimator.value - 3)}
    sampled = shared | {"random_state": 0}
    for make in (
        lambda space: RandomSearch(Null(), space, n_iter=4, **sampled),
        lambda space: RandomSearch(Null(), space, n_iter=4, sampler="sobol", **sampled),
        lambda space: GridSearch(Null(), space, resolution=3, **shared),
        lambda space: BayesSearchCV(Null(), space, n_iter=5, **sampled),
        lambda space: HyperbandSearchCV(Null(), space, n_candidates=4, resource="n_samples", **sampled),
    ):
        searches = [make({"value": definition}).fit(X, Y), make({"value": equivalent}).fit(X, Y)]
        assert searches[0].cv_results_["params"] == searches[1].cv_results_["params"]


@pytest.mark.parametrize(
    "definition, message",
    [
        ((2.0, 1.0, "uniform"), r"bounds of the range \(2.0, 1.0, 'uniform'\) of parameter 'x' must be"),
        ((3, 3, "uniform"), "must be finite numbers, and the first one below the second"),
        ((1.0, np.inf, "uniform"), "must be finite numbers"),
        ((0, 10, "log-uniform"), "lower bound .* of parameter 'x' must be above 0"),
        ((1, 5, "loguniform"), r"The prior of .* of parameter 'x' must be .* Did you mean 'log-uniform'\?"),
        ((1, 5, "log_uniform"), "Did you mean 'log-uniform'"),
        ([1, 5, "Log Uniform"], "Did you mean 'log-uniform'"),
        ((0.1, 5.0, "log"), "Did you mean 'log-uniform'"),
        ((1, 5, "unifrom"), "Did you mean 'uniform'"),
        ((1, 5, "normal"), "got 'normal'. Use a distribution of scipy.stats"),
        ((1.0, 5.0, "logunifrom", 10), "Did you mean 'log-uniform'"),
        ((1, 5, "linear"), "Did you mean 'uniform'"),
        ((1, 1000, "log10"), "Did you mean 'log-uniform'"),
        ((1, 5, "int"), "got 'int'"),
        (Real(1, 2, "normal"), r"The prior of the range \(1, 2, 'normal'\) of parameter 'x' must be"),
    ],
    ids=str,
)
def test_invalid_bounds_and_misspelt_priors_are_refused(definition, message):
    for search in (BayesSearchCV, GridSearch, HyperbandSearchCV, RandomSearch):
        with pytest.raises(ValueError, match=message):
            search(Null(), {"x": definition})._parse_space()


@pytest.mark.parametrize("definition", [(0.1, 10), (1, 100), (np.float64(0.5), 2), (-3, 3.5)])
def test_a_tuple_of_two_numbers_is_two_choices_with_a_warning(definition):
    with pytest.warns(
        UserWarning, match="The tuple .* of parameter 'x' is taken for two choices, as in scikit-learn"
    ):
        space = Space({"x": definition})
    assert space.grid() == list(ParameterGrid({"x": definition}))
    assert space.sample(2, 0) == list(ParameterSampler({"x": definition}, 2, random_state=0))


@pytest.mark.parametrize(
    "definition",
    [
        *([1, 50], [0.1, 10.0], np.array([1.0, 9.0]), range(2, 4), (0, 1), (5, 1), (3, 3), (True, False)),
        *(("most_frequent", "stratified", "uniform"), ["log2", "sqrt", "uniform"], (1, 5, 9), (1, 5, "sqrt")),
        *([0.3, 0.7, "log2"], (0.5, 1.0, "log2")),
        *(
            (0.1, 1, "scale"),
            (1, 2, None),
            ("a", "b"),
            (1, None),
            ((1, 1), (1, 2)),
            (0.1, 1.0, "auto", "scale"),
        ),
        (2, 8, "balanced"),
    ],
    ids=str,
)
def test_choices_stay_choices_without_a_warning(definition):
    points = Space({"x": definition}).grid()
    assert [point["x"] for point in points] == list(definition)


def test_the_prior_of_categories_is_ignored_with_a_warning():
    weighted = Categorical(["a", "b"])
    weighted.prior = [0.9, 0.1]
    with pytest.warns(
        UserWarning, match="of parameter 'x' is ignored: all of its categories are equally likely"
    ):
        assert Space({"x": weighted}).size == 2
    weighted.prior = [0.5, 0.5]
    assert Space({"x": weighted}).size == 2


def test_numbers_of_candidates_are_refused():
    with pytest.raises(
        TypeError, match=r"a space with a number of candidates, \(\{...\}, 20\), is not accepted"
    ):
        Space([({"x": [1]}, 20), {"y": [2]}])


def test_a_list_of_dimensions_is_refused():
    with pytest.raises(TypeError, match=r"Parameter space is not a dict .*Write \{name: values\}"):
        Space([Real(1, 2)])


def test_dimensions_of_an_installed_scikit_optimize():
    space = pytest.importorskip("skopt").space
    definitions = {
        "a": space.Real(1e-3, 1, prior="log-uniform", base=2),
        "b": space.Integer(1, 5),
        "c": space.Categorical(["x", "y"], transform="identity"),
    }
    points = Space(definitions).sample(5, 0)
    for point in points:
        assert [type(point[name]) for name in "abc"] == [float, int, str]
