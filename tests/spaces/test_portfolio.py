"""`portfolio`: which configurations an estimator has, their names and units, and what the files contain."""

import json
from importlib.resources import files

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils import all_estimators

from skhpt.spaces import default_space, portfolio
from skhpt.spaces.configurations import UNITS, stored

FILES = sorted((files("skhpt.spaces") / "portfolios").iterdir(), key=lambda path: path.name)
ESTIMATORS = dict(all_estimators())


class OwnSVC(SVC):
    """A subclass of an estimator that is known."""


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    return rng.normal(size=(100, 8)), rng.normal(size=100)


def test_it_is_a_list_of_plain_dicts():
    members = portfolio(SVC())
    assert type(members) is list
    assert all(type(member) is dict for member in members)
    assert {"C", "gamma"} in [member.keys() for member in members]
    assert len(members) == len({repr(member) for member in members}) >= 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_valid(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    provenance = {"command", "date", "versions", "data", "metric", "n_evaluations", "learned_from", "regret"}
    assert content.keys() == {"estimators", "package", "requires", "units", "members", "provenance"}
    assert content["provenance"].keys() == provenance
    assert len(content["members"]) == 8
    assert set(content["units"].values()) <= UNITS.keys()
    assert content["provenance"]["learned_from"] == content["estimators"][0]
    assert len(path.read_bytes()) < 6000


@pytest.mark.parametrize("name", [name for package, name in sorted(stored()) if package == "sklearn"])
def test_scikit_learn_accepts_every_member(name):
    found = 0
    for steps in ([], [Nystroem()], [PCA()], [PolynomialFeatures(), SelectKBest()]):
        pipeline = make_pipeline(*steps, ESTIMATORS[name]())
        for member in portfolio(pipeline):
            for _, step in clone(pipeline).set_params(**member).steps:
                step._validate_params()
            found += 1
    assert found >= 8


def test_lightgbm_knows_the_parameters():
    classifier = pytest.importorskip("lightgbm").LGBMClassifier()
    own = classifier.get_params().keys() | {"extra_trees", "max_bin"}
    members = portfolio(classifier)
    assert len(members) == 16
    assert all(member.keys() <= own for member in members)


def test_members_that_depend_on_another_step_need_it():
    assert portfolio(LogisticRegression()) == []
    assert "nystroem__gamma" in portfolio(make_pipeline(Nystroem(), LogisticRegression()))[0]


def test_widths_depend_on_the_features_and_costs_on_the_target(data):
    X, y = data
    (small, *_), (large, *_) = portfolio(SVR(), X, y), portfolio(SVR(), 10 * X, 10 * y)
    assert large["gamma"] == pytest.approx(small["gamma"] / 100, rel=0.1)
    assert large["C"] == pytest.approx(small["C"] * 10, rel=0.1)
    scaled = make_pipeline(StandardScaler(), SVR())
    names = ["svr__C", "svr__epsilon", "svr__gamma"]
    first, second = portfolio(scaled, X, y)[0], portfolio(scaled, 10 * X, y)[0]
    assert sorted(first) == names
    assert first == second


def test_steps_of_a_pipeline_that_the_portfolio_knows_are_part_of_it():
    alone = portfolio(KNeighborsRegressor())[0]
    reduced = portfolio(make_pipeline(PCA(), KNeighborsRegressor()))[0]
    assert {name.partition("__")[2] for name in reduced} == {"n_components", "whiten", *alone}


def test_a_subclass_has_the_portfolio_of_its_base_class():
    assert portfolio(OwnSVC()) == portfolio(SVC())


@pytest.mark.parametrize("estimator", [LinearRegression(), StandardScaler(), make_pipeline("passthrough")])
def test_other_estimators_have_none(estimator):
    assert portfolio(estimator) == []


def test_a_class_is_refused_as_by_default_space():
    for function in (portfolio, default_space):
        with pytest.raises(TypeError, match=r"must be an instance, got the class SVC: add \(\)"):
            function(SVC)
