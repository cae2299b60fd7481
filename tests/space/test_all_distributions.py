"""Every distribution of SciPy, and objects of a user with some of their methods, as the values of a parameter."""

import numpy as np
import pytest
from scipy import stats

from skhpt import BayesSearchCV, RandomSearch, Space
from skhpt.space.dimensions import TAIL
from tests.estimators import Null

parameters = pytest.importorskip("scipy.stats._distr_params")

#: SciPy needs seconds for them, or draws values outside of their support (on a circle).
LEFT_OUT = {
    "levy_stable",
    "studentized_range",
    "vonmises",
    "vonmises_line",
    "wrapcauchy",
    "nchypergeom_wallenius",
}
FAMILIES = [
    (name, arguments)
    for name, arguments in [*parameters.distcont, *parameters.distdiscrete]
    if isinstance(name, str) and name not in LEFT_OUT and hasattr(stats, name)
]
#: Quantiles that SciPy does not find, or only after a long search.
HEAVY_TAILS = [
    *(stats.zipf(1.05), stats.zipf(1.5, loc=-3), stats.yulesimon(0.1), stats.yulesimon(0.8)),
    *(stats.logser(1 - 1e-9), stats.pareto(0.02), stats.lomax(0.1), stats.levy(), stats.cauchy(1, 5)),
]
if hasattr(stats, "betanbinom"):
    HEAVY_TAILS.append(stats.betanbinom(10, 0.2, 0.3))
#: The lower end has a probability that is 0 in floating point.
IMPROBABLE_ENDS = [
    *(stats.poisson(5000), stats.nbinom(900, 0.1), stats.binom(10**6, 0.7), stats.binom(2000, 0.5)),
    *(stats.hypergeom(10**7, 5 * 10**6, 10**6), stats.truncnorm(-30, 30)),
    *(stats.betabinom(3000, 900, 900), stats.beta(200, 200), stats.anglit()),
]


def check(dist):
    """Check what a space promises, for draws, quantiles and the ends of what is proposed."""
    space = Space({"x": dist})
    (column,) = space.columns
    draws = space.sample(5, 0)
    proposals = space.decode(space.snap(np.array([[0.0], [0.2], [0.5], [0.9], [1.0]])))
    assert all(map(space.contains, [*draws, *proposals, *space.grid(3)]))
    values = [point["x"] for point in proposals]
    assert values == sorted(values)
    assert np.isfinite(values).all()
    assert {type(value) for value in values} == {type(draws[0]["x"])}
    assert column.dimension.are_values(values).all()
    again = [point["x"] for point in space.decode(space.encode(proposals))]
    np.testing.assert_allclose(again, values, rtol=1e-6, atol=1e-9)
    return draws, values


@pytest.mark.parametrize("name, arguments", FAMILIES)
def test_distributions_of_scipy(name, arguments):
    check(getattr(stats, name)(*arguments))
    draws, _ = check(getattr(stats, name)(*arguments, loc=7))
    again = Space({"x": getattr(stats, name)(*arguments, loc=7)})
    for point, other in zip(draws, again.decode(again.encode(draws)), strict=True):
        assert other["x"] == pytest.approx(point["x"], rel=1e-6)


@pytest.mark.parametrize("dist", HEAVY_TAILS, ids=lambda dist: f"{dist.dist.name}{dist.args}")
def test_heavy_tails(dist):
    check(dist)


@pytest.mark.parametrize("dist", IMPROBABLE_ENDS, ids=lambda dist: f"{dist.dist.name}{dist.args}")
def test_improbable_ends_are_not_proposed(dist):
    _, values = check(dist)
    assert dist.cdf(values[0]) >= TAIL / 2
    assert dist.sf(values[-1]) >= TAIL / 10  # a step of the cdf may be longer than the tail


@pytest.mark.parametrize(
    "dist, value",
    [
        (stats.poisson(2000), 0),
        (stats.binom(2000, 0.5), 2000),
        (stats.nbinom(900, 0.01), 3),
        (stats.geom(0.5), 5000),
    ],
    ids=lambda value: str(getattr(value, "args", value)),
)
def test_a_value_whose_probability_is_too_small_for_a_float_is_in_the_space(dist, value):
    space = Space({"x": dist})
    assert dist.pmf(value) == 0
    assert space.contains({"x": value})
    assert 0 <= space.encode([{"x": value}])[0, 0] <= 1
    assert not space.contains({"x": value + 0.5})
    assert not space.contains({"x": -1})


@pytest.mark.parametrize(
    "dist",
    [stats.randint(0, 10**7), stats.loguniform(1e-300, 1e300), stats.truncnorm(-2, 2), stats.randint(3, 9)],
    ids=lambda dist: f"{dist.dist.name}{dist.args}",
)
def test_ordinary_ends_are_proposed(dist):
    _, values = check(dist)
    assert (values[0], values[-1]) == pytest.approx(dist.support())


@pytest.mark.parametrize("dist", [stats.poisson(900), stats.binom(1500, 0.5), stats.norm(900, 30)])
def test_a_search_does_not_propose_improbable_ends(dist):
    # Its own value and lower scores lie far below the distribution.
    search = BayesSearchCV(
        Null(), {"value": dist}, scoring=lambda e, X, y: -e.value, n_iter=10, cv=2, random_state=0
    )
    search.fit(np.zeros((8, 1)), [0, 1] * 4)
    assert dist.cdf(min(params["value"] for params in search.cv_results_["params"])) > TAIL / 2
    assert search._parse_space().contains(search.best_params_)
    assert np.isfinite(search.predict_score(search.best_params_)).all()


def test_a_small_space_ends_with_the_improbable_values():
    dist = stats.binom(40, 0.5)
    search = BayesSearchCV(
        Null(), {"value": dist}, scoring=lambda e, X, y: -e.value, n_iter=40, cv=2, random_state=0
    )
    search.fit(np.zeros((8, 1)), [0, 1] * 4)
    order = [params["value"] for params in search.cv_results_["params"]]
    assert len(set(order)) == 40
    assert all(abs(value - 20) <= 10 for value in order[:20])


class Quantiles:
    """An object with a quantile function and nothing else."""

    def ppf(self, q):
        return 2 * np.asarray(q) + 1


class NumberQuantiles:
    """Its function takes one number at a time."""

    def ppf(self, q):
        return 3.0 if q < 0.25 else 5.0


class IntegerQuantiles:
    def ppf(self, q):
        return (9 * np.asarray(q)).astype(int)

    def rvs(self, random_state):
        return random_state.randint(10)


@pytest.mark.parametrize(
    "dist, kind", [(Quantiles(), float), (NumberQuantiles(), float), (IntegerQuantiles(), int)]
)
def test_objects_with_quantiles_need_no_cdf(dist, kind):
    space = Space({"x": dist})
    points = space.decode(np.linspace(0, 1, 9)[:, None])
    assert {type(point["x"]) for point in [*points, *space.sample(3, 0)]} == {kind}
    assert [point["x"] for point in space.decode(space.encode(points))] == pytest.approx(
        [p["x"] for p in points]
    )
    assert all(map(space.contains, points))


@pytest.mark.parametrize(
    "dist, equivalent",
    [
        (stats.norm([2], [3]), stats.norm(2, 3)),
        (stats.poisson(mu=np.array([4])), stats.poisson(4)),
        (stats.zipf([2.5], loc=1), stats.zipf(2.5, loc=1)),
        (stats.uniform(np.array(2.0), [1]), stats.uniform(2, 1)),
    ],
)
def test_arrays_of_one_element_are_numbers(dist, equivalent):
    assert Space({"x": dist}).sample(5, 0) == Space({"x": equivalent}).sample(5, 0)


def text_quantiles():
    class Text:
        def ppf(self, q):
            return "a"

    return Text()


def draws_without_a_generator():
    class Draws:
        def rvs(self):
            return 1

    return Draws()


def broken_quantiles():
    class Broken:
        def ppf(self, q):
            raise KeyError("no table")

    return Broken()


@pytest.mark.parametrize(
    "dist, message",
    [
        (stats.norm([0, 1], [1, 2]), r"'x' has arrays as arguments; they must be numbers. Got norm"),
        (stats.zipf([2, 3]), "'x' has arrays as arguments"),
        (stats.zipf(0.5), "'x' has no median: are its arguments valid"),
        (text_quantiles(), "'x' must have numbers as values.*Give other values as a list"),
        (
            draws_without_a_generator(),
            "rvs of the distribution of parameter 'x' must take the argument random_state",
        ),
        (broken_quantiles(), r"'x' failed: ppf\(0.5\) raised KeyError"),
    ],
)
def test_unusable_distributions_are_refused(dist, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Space({"x": dist})


@pytest.mark.skipif(not hasattr(stats, "Normal"), reason="needs SciPy's newer distributions")
@pytest.mark.parametrize("mean", [[1.0], [1.0, 2.0]])
def test_arrays_in_newer_distributions_are_refused(mean):
    with pytest.raises(ValueError, match="'x' has arrays as arguments"):
        Space({"x": stats.Normal(mu=mean)})


def test_a_shifted_distribution_of_given_values():
    dist = stats.rv_discrete(values=([1, 2, 5], [0.2, 0.3, 0.5]))(loc=10)
    assert Space({"x": dist}).grid() == [{"x": 11}, {"x": 12}, {"x": 15}]


def test_draws_without_axes_are_numbers():
    assert type(Space({"x": stats.levy_stable(1.5, 0)}).sample(1, 0)[0]["x"]) is float


def test_random_search_draws_from_heavy_tails_without_quantiles():
    search = RandomSearch(Null(), {"value": stats.zipf(1.02)}, n_iter=5, cv=2, random_state=0)
    search.fit(np.zeros((8, 1)), [0, 1] * 4)
    expected = stats.zipf(1.02).rvs(5, random_state=np.random.RandomState(0))
    assert [params["value"] for params in search.cv_results_["params"]] == expected.tolist()
