"""The tests on the oldest supported versions of skhpt's dependencies, on later ones, and on the newest.

``nox -f .ci/noxfile.py -s oldest`` runs the tests that a version can break, ``nox -f .ci/noxfile.py -s oldest -- full``
runs all, and other arguments go to pytest (``-- tests/parallel -k dask``). Packages that only the tests need are the
newest ones that work with a version of scikit-learn; the reasons are beside the bounds.
"""

from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent.parent
#: The tests of everything that calls a private name, compares with scikit-learn's own results, knows the parameters of
#: its estimators, or draws and exports with optional packages.
FOLDERS = ["contracts", "fitting", "journal", "parallel", "reuse", "spaces"]
FOLDERS += ["callbacks", "cli", "export", "inspection", "plots", "reporting"]
PARTS = [f"tests/{name}" for name in FOLDERS]
#: Tests of clusters whose outcome does not depend on versions of these packages.
PARTS += [f"--ignore=tests/parallel/test_{name}.py" for name in ("dask_faults", "ray", "ray_faults")]
#: Bounds for scikit-learn before 1.9. Its estimator checks are a generator of parameters, which pytest 9.1 deprecates,
#: and it reads polars by the DataFrame interchange protocol, which polars 1.40 deprecates.
BEFORE_1_9 = ["pytest<9.1", "polars<1.40"]

nox.options.sessions = ["oldest", "sklearn-1.7", "sklearn-1.8", "newest"]
nox.needs_version = ">=2024.4.15"


def run_tests(session: nox.Session, *versions: str) -> None:
    """Install skhpt with the given versions of other packages, and run tests in parallel."""
    session.chdir(ROOT)
    session.install("-e", ".[test]", "lightgbm", *versions)
    session.run("python", "-m", "pip", "list")
    arguments = [] if session.posargs == ["full"] else session.posargs or PARTS
    session.run("pytest", "-n", "2", "--dist", "worksteal", *arguments)


@nox.session(python="3.11")  # the last Python for which there is this NumPy
def oldest(session: nox.Session) -> None:
    """Test with the lower bounds of pyproject.toml."""
    versions = ["scikit-learn==1.6.0", "numpy==1.24.*", "scipy==1.11.*", "joblib==1.4.0"]
    run_tests(session, *versions, *BEFORE_1_9)


@nox.session(name="sklearn-1.7")
def sklearn_1_7(session: nox.Session) -> None:
    """Test with the last release of scikit-learn 1.7."""
    run_tests(session, "scikit-learn==1.7.*", *BEFORE_1_9)


@nox.session(name="sklearn-1.8")
def sklearn_1_8(session: nox.Session) -> None:
    """Test with the last release of scikit-learn 1.8."""
    run_tests(session, "scikit-learn==1.8.*", *BEFORE_1_9)


@nox.session
def newest(session: nox.Session) -> None:
    """Test with the newest version of everything."""
    run_tests(session, "xgboost")
