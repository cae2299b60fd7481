"""Versions of a worker: those that differ are named."""

import sklearn

from skhpt.parallel.versions import describe_difference, own_versions


def test_own_versions_are_those_that_are_imported():
    assert own_versions()["scikit-learn"] == sklearn.__version__
    assert set(own_versions()) == {"python", "skhpt", "scikit-learn", "numpy", "scipy", "joblib"}


def test_packages_that_differ_or_are_missing_are_named():
    ours = {"python": "3.12", "scikit-learn": "1.7.2", "numpy": "2.3.0"}
    assert describe_difference(ours, dict(ours)) == ""
    assert (
        describe_difference(ours, ours | {"scikit-learn": "1.6.0"}) == "scikit-learn 1.6.0 instead of 1.7.2"
    )
    theirs = {"python": "3.11", "scikit-learn": "1.7.2", "other": "1"}
    assert describe_difference(ours, theirs) == "python 3.11 instead of 3.12, numpy missing instead of 2.3.0"
