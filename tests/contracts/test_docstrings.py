"""Docstrings of public names follow numpydoc, describe every parameter, have an example, and are in the reference."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.validate import validate

import skhpt

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
#: Codes that are not checked: blank first line (GL01, GL02), named results (RT02), extended summary (ES01),
#: descriptions in See Also of methods of the same class (SA04).
IGNORED = {"GL01", "GL02", "RT02", "ES01", "SA04"}
#: Codes that are not checked for methods, whose class has the example and the related names.
IGNORED_FOR_METHODS = IGNORED | {"SA01", "EX01"}
MODULES = ["skhpt", *(f"skhpt.{name}" for name in skhpt.__all__ if inspect.ismodule(getattr(skhpt, name)))]


def public_objects():
    """Return the public classes and functions by their dotted names, each once."""
    objects = {}
    for module in map(importlib.import_module, MODULES):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                objects.setdefault(id(value), (f"{module.__name__}.{name}", value))
    return dict(objects.values())


def public_methods():
    """Return the names of the methods and properties that this package documents.

    An override without a docstring has that of its base class, which is checked there.
    """
    names = set()
    for name, value in public_objects().items():
        if inspect.isclass(value):
            for base in value.__mro__:
                if base.__module__.startswith("skhpt"):
                    names |= {
                        f"{name}.{m}"
                        for m in vars(base)
                        if is_documented(m, inspect.getattr_static(value, m))
                    }
    return sorted(names)


def is_documented(name, member):
    is_code = inspect.isfunction(member) or isinstance(member, (property, classmethod, staticmethod))
    return is_code and not name.startswith("_") and bool(member.__doc__)


def errors_of(name, ignored):
    return [f"{code}: {message}" for code, message in validate(name)["errors"] if code not in ignored]


@pytest.mark.parametrize("name", list(public_objects()))
def test_a_public_name_has_parameters_results_related_names_and_an_example(name):
    assert not errors_of(name, IGNORED)


@pytest.mark.parametrize("name", public_methods())
def test_a_method_describes_its_parameters_and_results(name):
    assert not errors_of(name, IGNORED_FOR_METHODS)


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


def listed_in_the_reference():
    """Return the objects that the lists for autosummary name."""
    objects = {}
    for page in REFERENCE.glob("*.md"):
        for block in re.findall(
            r"^```\{eval-rst\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M
        ):
            if ".. autosummary::" in block:
                module = re.search(r"currentmodule:: (\S+)", block).group(1)
                for name in re.findall(r"^   ([A-Za-z][\w.]*)$", block, re.M):
                    objects[name] = resolve(f"{module}.{name}")
    return objects


def resolve(name):
    """Return the object of a dotted name; an attribute of a package is preferred to a module of this name."""
    parts = name.split(".")
    value = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], start=2):
        value = getattr(value, part) if hasattr(value, part) else importlib.import_module(".".join(parts[:i]))
    return value


def test_every_public_name_is_listed_in_the_reference():
    listed = {id(value) for value in listed_in_the_reference().values()}
    assert not [name for name, value in public_objects().items() if id(value) not in listed]


def test_every_name_that_the_reference_lists_has_a_docstring():
    assert not [name for name, value in listed_in_the_reference().items() if not inspect.getdoc(value)]
