"""The parameter `initial_points` of BayesSearchCV and HyperbandSearchCV."""

import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from skhpt import BayesSearchCV, HyperbandSearchCV, ManualSearch, RandomSearch
from skhpt.spaces import portfolio

X, Y = load_iris(return_X_y=True)
RBF = {"C": loguniform(1e-4, 1e5), "gamma": loguniform(1e-6, 1e2)}


def fitted(estimator, space, n_iter=4, **params):
    return BayesSearchCV(estimator, space, n_iter=n_iter, random_state=0, cv=2, **params).fit(X, Y)


def rbf_members(estimator=None):
    """Members of the portfolio that have no other parameters than the space."""
    members = portfolio(estimator or SVC(), X, Y)
    return [params for params in members if {name.split("__")[-1] for name in params} == RBF.keys()]


def points(search):
    return list(search.cv_results_["params"])


def test_the_portfolio_follows_the_estimator_as_it_is():
    first, *others = points(fitted(SVC(C=3.0, gamma=0.25), RBF))
    assert first == {"C": 3.0, "gamma": 0.25}
    assert others == rbf_members()[:3]


def test_the_names_have_the_prefix_of_the_step():
    space = {f"scaled__m__{name}": values for name, values in RBF.items()}
    pipeline = Pipeline([("scaled", Pipeline([("scale", StandardScaler()), ("m", SVC())]))])
    members = rbf_members(pipeline)
    assert members[0].keys() == space.keys()
    assert points(fitted(pipeline, space))[1:] == members[:3]


def test_branches_of_kernels_take_turns():
    C = loguniform(1e-4, 1e5)
    space = [{"kernel": ["rbf"], **RBF}, {"kernel": ["linear"], "C": C}]
    found = points(fitted(SVC(), space, n_iter=5, n_initial=5))[1:]
    assert [point["kernel"] for point in found] == ["rbf", "linear", "rbf", "linear"]


def test_a_space_of_several_estimators_has_no_portfolio():
    pipeline = Pipeline([("scale", StandardScaler()), ("m", SVC())])
    space = [
        {"m": [SVC()], **{f"m__{name}": values for name, values in RBF.items()}},
        {"m": [RandomForestClassifier(5, random_state=0)], "m__min_samples_leaf": randint(1, 10)},
    ]
    design = points(fitted(pipeline, space))
    assert list(map(repr, design)) == list(map(repr, points(fitted(pipeline, space, initial_points=None))))


def test_a_list_of_points_is_evaluated_with_own_values_for_what_they_lack():
    given = [{"C": 50.0, "gamma": 2.0}, {"C": 20.0}, {"gamma": 1e-3}, {"C": 7.0}, {"C": 8.0}]
    search = fitted(SVC(C=3.0, gamma=0.25), RBF, n_iter=7, n_initial=2, initial_points=given)
    own = {"C": 3.0, "gamma": 0.25}
    assert points(search)[:6] == [own, *(own | point for point in given)]


def test_none_leaves_the_middle_and_sobol_points():
    without = points(fitted(SVC(C=3.0, gamma=0.25), RBF, initial_points=None))
    assert without[1] == {"C": pytest.approx(10**0.5), "gamma": pytest.approx(1e-2)}
    assert points(fitted(SVC(C=3.0, gamma=0.25), RBF, initial_points=[])) == without
    unknown = {"constant": [0, 1, 2], "random_state": randint(0, 100)}
    assert points(fitted(DummyClassifier(), unknown)) == points(
        fitted(DummyClassifier(), unknown, initial_points=None)
    )


def test_previous_results_replace_the_portfolio_but_not_given_points():
    known = RandomSearch(SVC(C=3.0, gamma=0.25), RBF, n_iter=10, cv=2, random_state=0).fit(X, Y)
    default = points(fitted(SVC(C=3.0, gamma=0.25), RBF, n_iter=3, previous=known))
    assert not any(point in rbf_members() for point in default)
    given = points(
        fitted(SVC(C=3.0, gamma=0.25), RBF, n_iter=3, previous=known, initial_points=[{"C": 50.0}])
    )
    assert given[10:12] == [{"C": 3.0, "gamma": 0.25}, {"C": 50.0, "gamma": 0.25}]


def test_the_constraint_applies_to_the_portfolio():
    all_points = rbf_members()
    rejected = all_points[0]
    search = fitted(SVC(), RBF, constraint=lambda params: params["C"] != rejected["C"])
    assert all_points[1] in points(search)
    assert rejected not in points(search)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"C": 1e9}], "C=1000000000.0 is not a number from 0.0001 to 100000"),
        ([{"degree": 3}], r"degree of {'degree': 3} is not one of the parameters \['C', 'gamma'\]"),
        ("portfolios", "'initial_points' parameter .* must be .* Got 'portfolios' instead"),
    ],
)
def test_wrong_points_are_refused_before_any_fit(given, message):
    with pytest.raises(ValueError, match=message):
        fitted(SVC(), RBF, initial_points=given)


def test_a_point_that_is_no_dict_is_refused():
    with pytest.raises(TypeError, match=r"initial_points must be a list of dicts .* \('C', 3\)"):
        fitted(SVC(), RBF, initial_points=[("C", 3)])


def test_there_is_no_portfolio_for_much_more_data_than_it_was_learned_with():
    rows = np.arange(2401) % len(X)
    search = BayesSearchCV(SVC(), RBF, n_iter=2, cv=2, random_state=0)
    assert points(search.fit(X[rows[1:]], Y[rows[1:]]))[1] == rbf_members()[0]
    assert points(search.fit(X[rows], Y[rows]))[1] != rbf_members()[0]


def test_units_of_y_are_those_of_the_data():
    X, y = load_diabetes(return_X_y=True)
    space = {"C": loguniform(1e-3, 1e6), "epsilon": loguniform(1e-4, 1e3), "gamma": loguniform(1e-4, 1e4)}
    found = {}
    for unit in (1, 100):
        search = BayesSearchCV(SVR(), space, n_iter=3, cv=2, random_state=0).fit(X[::4], y[::4] / unit)
        found[unit] = points(search)[1]
    ratios = {name: found[1][name] / found[100][name] for name in found[1]}
    assert ratios == {"C": pytest.approx(100, rel=0.1), "epsilon": pytest.approx(100, rel=0.1), "gamma": 1}


def test_a_portfolio_can_be_tried_and_passed_to_a_search():
    members = rbf_members()[:3]
    tried = ManualSearch(SVC(), members, cv=2).fit(X, Y)
    searched = fitted(SVC(), RBF, initial_points=members)
    np.testing.assert_array_equal(
        tried.cv_results_["mean_test_score"], searched.cv_results_["mean_test_score"][1:]
    )


# -- HyperbandSearchCV ---------------------------------------------------------------------------------------


def lowest_rung(**params):
    """Return the candidates of the lowest rung of a search, in their order."""
    search = HyperbandSearchCV(SVC(C=3.0, gamma=0.25), RBF, n_candidates=9, random_state=0, cv=2, **params)
    results = search.fit(X, Y).cv_results_
    points = dict(zip(results["candidate_id"], results["params"], strict=True))
    return [points[i] for i in sorted(points)]


@pytest.mark.parametrize("sampler, first", [("auto", [{"C": 3.0, "gamma": 0.25}]), ("random", [])])
def test_hyperband_begins_with_given_points(sampler, first):
    given = [{"C": 50.0, "gamma": 2.0}, {"C": 20.0}]
    found = lowest_rung(sampler=sampler, initial_points=given)
    assert found[: len(first) + 2] == [*first, given[0], {"C": 20.0, "gamma": 0.25}]
    assert len(found) == 9


def test_hyperband_evaluates_as_many_given_points_as_it_has_candidates():
    given = [{"C": float(C)} for C in range(5, 20)]
    assert lowest_rung(sampler="random", initial_points=given) == [{**p, "gamma": 0.25} for p in given[:9]]


def test_hyperband_can_begin_with_the_portfolio():
    assert lowest_rung(initial_points="portfolio")[1] == rbf_members()[0]
    assert rbf_members()[0] not in lowest_rung()


def test_hyperband_refuses_wrong_points_before_any_fit():
    with pytest.raises(ValueError, match=r"C=1000000000\.0 is not a number from 0\.0001 to 100000"):
        lowest_rung(initial_points=[{"C": 1e9}])
