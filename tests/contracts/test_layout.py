"""The layout: which way imports point, what is imported when, and one version."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import skhpt

ROOT = Path(skhpt.__file__).parent
# From the bottom up. A module imports from layers below its own; within a layer only from its own package.
LAYERS = [
    ["_compat", "_html", "_mlflow", "_optional", "_typing", "_warnings"],
    ["identity", "distributions", "user_code"],
    ["fingerprint", "trial"],
    ["history", "space", "spaces", "gp"],
    ["strategies", "parallel", "results", "select"],
    ["fitting", "journal"],
    ["reuse"],
    ["engine", "inspection"],
    ["plots", "export"],
    ["reporting"],
    ["callbacks"],
    ["session"],
    ["ensemble"],
    ["search"],
    ["cli"],
    ["__main__"],
]
LAYER = {name: i for i, names in enumerate(LAYERS) for name in names}
FILES = [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


def imports(path):
    """Yield the modules that a file imports, with names as `from package import name` gives them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "skhpt":
                yield from (f"skhpt.{alias.name}" for alias in node.names)
            else:
                yield node.module


def package_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    here = package_of(path)
    for module in imports(path):
        package, _, rest = module.partition(".")
        if package == "skhpt":
            there = rest.split(".")[0]
            assert LAYER[there] < LAYER[here] or there == here, f"{here} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_listed_packages_import_scikit_learn_and_joblib(path):
    imported = {module.split(".")[0] for module in imports(path)}
    if package_of(path) not in (
        "parallel",
        "fitting",
        "reuse",
        "session",
        "ensemble",
        "search",
        "space",
        "spaces",
        "results",
        "inspection",
        "plots",
        "_compat",
    ):
        assert "sklearn" not in imported
    if path.name not in (
        "_joblib.py",
        "pool.py",
        "backends.py",
        "dask_worker.py",
        "ray.py",
        "fingerprint.py",
        "user_code.py",
    ):
        assert "joblib" not in imported


def modules_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_extras_are_imported_only_when_used():
    extras = {
        "pandas",
        "polars",
        "matplotlib",
        "jinja2",
        "tqdm",
        "optuna",
        "optuna_dashboard",
        "mlflow",
        "skops",
        "rich",
        "distributed",
        "ray",
        "hypothesis",
        "pytest",
        "lightgbm",
        "xgboost",
    }
    new = modules_after("import skhpt, skhpt.__main__, skhpt.callbacks, skhpt.plots") - modules_after(
        "import sklearn.model_selection, scipy.stats"
    )
    assert not new & extras


def test_one_version():
    assert importlib.metadata.version("skhpt") == skhpt.__version__


def test_public_names():
    assert sorted(skhpt.__all__) == skhpt.__all__
    for name in skhpt.__all__:
        assert getattr(skhpt, name).__doc__


def test_it_is_typed():
    assert (ROOT / "py.typed").exists()
