"""The docstrings of public names follow numpydoc, and describe every parameter in the order of the signature."""

import inspect

import pytest
from numpydoc.validate import validate

import skhpt

#: Codes that are not checked: blank first line (GL01, GL02), named results (RT02), sections that short
#: functions do without (extended summary, see also, examples).
IGNORED = {"GL01", "GL02", "RT02", "ES01", "SA01", "SA04", "EX01"}


def public_names():
    """Yield the dotted names of all public classes, functions and methods that this package defines."""
    for name in skhpt.__all__:
        value = getattr(skhpt, name)
        if inspect.ismodule(value):
            for member, function in inspect.getmembers(value, inspect.isfunction):
                if not member.startswith("_") and function.__module__ == value.__name__:
                    yield f"skhpt.{name}.{member}"
            continue
        yield f"skhpt.{name}"
        if inspect.isclass(value):
            for member, method in inspect.getmembers(value, inspect.isfunction):
                if not member.startswith("_") and method.__module__.startswith("skhpt"):
                    yield f"skhpt.{name}.{member}"


@pytest.mark.parametrize("name", list(public_names()))
def test_numpydoc_finds_no_error(name):
    errors = [f"{code}: {message}" for code, message in validate(name)["errors"] if code not in IGNORED]
    assert not errors


def test_searches_describe_their_parameters_in_the_order_of_the_signature():
    for search in (
        skhpt.GridSearch,
        skhpt.RandomSearch,
        skhpt.BayesSearchCV,
        skhpt.HyperbandSearchCV,
        skhpt.ManualSearch,
    ):
        described = validate(f"skhpt.{search.__name__}")
        assert not [code for code, _ in described["errors"] if code.startswith("PR")]
        assert "reuse_report_ : ReuseReport" in search.__doc__
