"""Optional packages: what needs one says so with the extra that installs it, and nothing else needs it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from scipy.stats import loguniform
from sklearn.naive_bayes import GaussianNB

import skhpt
from skhpt import HyperbandSearchCV, callbacks, inspection, plots
from skhpt._optional import EXTRAS, import_optional
from skhpt.cli.main import make_parser

ROOT = Path(__file__).parents[2]
OPTIONAL = sorted(EXTRAS)


@pytest.fixture(scope="module")
def search(iris, tmp_path_factory):
    path = tmp_path_factory.mktemp("journals") / "search.jsonl"
    space = {"var_smoothing": loguniform(1e-9, 1), "priors": [None, [0.2, 0.4, 0.4]]}
    options = {"resource": "n_samples", "min_resources": 50, "random_state": 0, "journal": path}
    metrics = {"scoring": ["accuracy", "f1_macro"], "refit": "accuracy"}
    return HyperbandSearchCV(GaussianNB(), space, **options, **metrics).fit(*iris)


@pytest.fixture
def hide(monkeypatch):
    """Return a function that makes packages look as if they were not installed."""

    def hide(*packages):
        for name in [*packages, *sys.modules]:
            if name.split(".")[0] in packages:
                monkeypatch.setitem(sys.modules, name, None)

    return hide


def display(name):
    return lambda search, folder: getattr(plots, name).from_search(search)


def dashboard(search, folder):
    options = make_parser().parse_args(["dashboard", str(search.journal)])
    return options.run(options)


#: What needs a package: the package, the name that the error begins with, and a call.
NEEDS = {
    **{name: ("matplotlib", name, display(name)) for name in plots.__all__},
    "report": ("jinja2", "report", lambda search, folder: skhpt.report(search, folder / "report.html")),
    "pictures of a report": (
        "matplotlib", "report", lambda search, folder: skhpt.report(search, folder / "report.html")
    ),
    "SearchProgress": ("tqdm", "SearchProgress", lambda search, folder: callbacks.SearchProgress()),
    "MLflowLogger": ("mlflow", "MLflowLogger", lambda search, folder: callbacks.MLflowLogger()),
    "leaderboard": ("pandas", "leaderboard()", lambda search, folder: search.leaderboard()),
    "leaderboard of a journal": (
        "pandas", "leaderboard()", lambda search, folder: skhpt.read_journal(search.journal).leaderboard()
    ),
    "journals of a folder": (
        "pandas", "to_frame()", lambda search, folder: skhpt.read_journals(search.journal.parent).to_frame()
    ),
    **{
        f"dashboard without {package}": (
            package, "the dashboard", dashboard
        )
        for package in ("optuna", "optuna_dashboard")
    },
    "to_optuna": ("optuna", "to_optuna", lambda search, folder: skhpt.export.to_optuna(search)),
    **{
        f"importance by {method}": (
            "optuna", f"method='{method}'",
            lambda search, folder, method=method: inspection.param_importances(search, method=method),
        )
        for method in ("ped_anova", "fanova", "mean_decrease_impurity")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", NEEDS)
def test_the_error_names_the_package_and_the_extra(name, search, tmp_path, hide):
    package, user, call = NEEDS[name]
    hide(package)
    shown = package.replace("_", "-")
    message = f"{user}.* needs the package {shown}: install it with pip install 'skhpt[{EXTRAS[package]}]'"
    with pytest.raises(ImportError, match=re.escape(message).replace(r"\.\*", ".*")):
        call(search, tmp_path)


WITHOUT = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Finder())
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
import skhpt.__main__, skhpt.plots
from skhpt import HyperbandSearchCV, inspection

tree = DecisionTreeClassifier(random_state=0)
search = HyperbandSearchCV(tree, {"max_depth": range(1, 6)}, resource="n_samples", min_resources=50, random_state=0)
search.fit(*load_iris(return_X_y=True))
data = inspection.read_source(search)
for value in (search, search.plan_, search.history_, search.history_[0], search.reuse_report_, data):
    assert repr(value)
    assert not hasattr(value, "_repr_html_") or value._repr_html_()
assert inspection.param_importances(search)
print(search.leaderboard_text(1))
"""


def test_a_search_its_texts_and_its_tables_for_notebooks_need_no_optional_package():
    hidden = ",".join([*OPTIONAL, "polars", "rich", "skops"])
    ran = subprocess.run([sys.executable, "-c", WITHOUT, hidden], capture_output=True, text=True)
    assert not ran.stderr
    assert ran.stdout.startswith("rank  candidate   score")


def test_each_extra_installs_its_packages():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"]
    for package, extra in EXTRAS.items():
        names = [re.split(r"[<>=!~ \[;]", requirement)[0] for requirement in extras[extra]]
        assert package.replace("_", "-") in names
        assert extra in extras["all"][0]


def test_an_error_inside_an_installed_package_is_not_hidden(monkeypatch, tmp_path):
    (tmp_path / "tqdm_broken").mkdir()
    (tmp_path / "tqdm_broken" / "__init__.py").write_text("import a_package_that_is_missing")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(EXTRAS, "tqdm_broken", "progress")
    with pytest.raises(ModuleNotFoundError, match="No module named 'a_package_that_is_missing'"):
        import_optional("tqdm_broken", "SearchProgress")
