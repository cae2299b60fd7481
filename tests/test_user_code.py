"""Digests of the user's code: they change with the code, and with nothing else."""

import os
import subprocess
import sys
import types
from functools import partial

import numpy as np
import pytest
from scipy import stats
from sklearn.feature_selection import SelectKBest
from sklearn.metrics import f1_score, make_scorer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from skhpt.user_code import changed_code, describe_user_code

PARTS = {
    "a method": ("Own", "class Own(Base):\n    def transform(self, X):\n        return X * {}"),
    "a constant of a class": ("Own", "class Own(Base):\n    factor = {}"),
    "a list of a class": ("Own", "class Own(Base):\n    factors = [1, {}]"),
    "a property": (
        "Own",
        "class Own(Base):\n    @property\n    def factor(self):\n        return {}",
    ),
    "a static method": (
        "Own",
        "class Own(Base):\n    @staticmethod\n    def factor():\n        return {}",
    ),
    "a class method": (
        "Own",
        "class Own(Base):\n    @classmethod\n    def factor(cls):\n        return {}",
    ),
    "a cached property": (
        "Own",
        "from functools import cached_property\n"
        "class Own(Base):\n    @cached_property\n    def factor(self):\n        return {}",
    ),
    "a nested function": (
        "Own",
        "class Own(Base):\n    def fit(self, X, y=None):\n"
        "        def scale(x):\n            return x * {}\n        return scale(X)",
    ),
    "a class inside": ("Own", "class Own(Base):\n    class Inner:\n        factor = {}"),
    "a mixin": (
        "Mixin",
        "class Mixin:\n    def factor(self):\n        return {}\nclass Own(Mixin, Base):\n    pass",
    ),
    "a default": ("Own", "class Own(Base):\n    def scale(self, x, factor={}):\n        return x"),
    "a default of a keyword": (
        "Own",
        "class Own(Base):\n    def scale(self, *, factor={}):\n        return 1",
    ),
    "a helper": (
        "helper",
        "def helper(x):\n    return x * {}\n"
        "class Own(Base):\n    def transform(self, X):\n        return helper(X)",
    ),
    "a helper of a helper": (
        "helper",
        "def helper(x):\n    return x * {}\ndef other(x):\n    return [helper(i) for i in x]\n"
        "class Own(Base):\n    def transform(self, X):\n        return other(X)",
    ),
    "a constant of the module": (
        "Own",
        "FACTOR = {}\nclass Own(Base):\n    def transform(self, X):\n        return X * FACTOR",
    ),
    "an array of the module": (
        "Own",
        "import numpy as np\nFACTOR = np.array([{}])\n"
        "class Own(Base):\n    def transform(self, X):\n        return X * FACTOR",
    ),
    "an object of the module": (
        "Own",
        "class Scale:\n    def __init__(self, n):\n        self.n = n\nSCALE = Scale({})\n"
        "class Own(Base):\n    def transform(self, X):\n        return X * SCALE.n",
    ),
    **{
        f"{kind} of the module": (
            "Own",
            f"{line}\nclass Own(Base):\n    def transform(self, X):\n        return X, THING",
        )
        for kind, line in {
            "a table": "import pandas as pd\nTHING = pd.DataFrame({{'a': [{}]}})",
            "a fitted model": "from sklearn.preprocessing import MinMaxScaler\n"
            "THING = MinMaxScaler().fit([[0], [{}]])",
            "a model with parameters": "from sklearn.svm import SVC\nTHING = SVC(C={})",
            "a namespace": "from types import SimpleNamespace\nTHING = SimpleNamespace(n={})",
            "a named tuple": "from collections import namedtuple\nTHING = namedtuple('Thing', 'n')({})",
            "a dataclass in a dict": "from dataclasses import dataclass\n@dataclass\nclass Thing:\n    n: int\n"
            "THING = {{'deep': [Thing({})]}}",
            "a list with a function": "THING = [len, {}]",
            "a function of a package": "import math\nTHING = math.sqrt if {} == 10 else math.exp",
            "a ufunc": "import numpy as np\nTHING = np.exp if {} == 10 else np.sqrt",
            "a class of a package": "from sklearn.svm import SVC, SVR\nTHING = SVC if {} == 10 else SVR",
            "a path": "from pathlib import Path\nTHING = Path('{}')",
            "a pattern": "import re\nTHING = re.compile('{}')",
            "a date": "from datetime import date\nTHING = date(2000, 1, {})",
        }.items()
    },
    "a decorated method": (
        "Own",
        "import functools\n"
        "def noisy(f):\n    @functools.wraps(f)\n    def g(*a):\n        return f(*a)\n    return g\n"
        "class Own(Base):\n    @noisy\n    def transform(self, X):\n        return X * {}",
    ),
    "a dataclass": (
        "Own",
        "from dataclasses import dataclass\n@dataclass\nclass Own(Base):\n    factor: float = {}",
    ),
    "the metaclass": (
        "Meta",
        "class Meta(type):\n    def factor(cls):\n        return {}\nclass Own(Base, metaclass=Meta):\n    pass",
    ),
}
BASE = "from sklearn.base import BaseEstimator as Base\n"
N_MODULES = iter(range(10**6))


def module_of(source):
    """Run source code as a new module of the user, and return the module."""
    module = types.ModuleType(f"own_module_{next(N_MODULES)}")
    exec(compile(BASE + source, "own.py", "exec"), vars(module))
    return module


def own(source):
    return module_of(source).Own()


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_class_counts_and_is_named(part):
    name, source = PARTS[part]
    before, same, after = (describe_user_code(own(source.format(n))) for n in (10, 10, 20))
    assert before == same
    assert changed_code(before, after) == [name]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda f: FunctionTransformer(f),
        lambda f: make_scorer(f),
        lambda f: partial(f, 1),
        lambda f: SVC(kernel=f),
        lambda f: Pipeline([("own", FunctionTransformer(f)), ("clf", SVC())]),
        lambda f: [{"select": [SelectKBest(f), StandardScaler()]}],
        lambda f: np.vectorize(f),
        lambda f: lambda x: f(x),
        lambda f: lambda x, g=f: g(x),
        lambda f: {"metric": ("a", f)},
        lambda f: types.MethodType(f, 1),
    ],
)
def test_functions_are_found_wherever_they_are(wrap):
    def of(n):
        return describe_user_code(wrap(module_of(f"def own(x):\n    return x + {n}").own))

    assert of(10) == of(10)
    assert "own" in changed_code(of(10), of(20))


@pytest.mark.parametrize(
    "source",
    [
        "class Own(Base):\n    def transform(self, X):\n        return X * 2",
        "\n\n# A comment.\nclass Own(Base):\n    def transform(self, X):\n\n        return X * 2  # twice",
        "class Own(Base):\n    'Doubles.'\n    def transform(self, X):\n        'Twice.'\n        return X * 2",
        "class Own(Base):\n    def transform(self, X: list) -> list:\n        return X * 2",
        "def make():\n    class Own(Base):\n        def transform(self, X):\n            return X * 2\n"
        "    return Own\nOwn = make()",
    ],
)
def test_positions_comments_docstrings_and_types_do_not_count(source):
    plain = "class Own(Base):\n    def transform(self, X):\n        return X * 2"
    assert describe_user_code(own(source)) == describe_user_code(own(plain))


@pytest.mark.parametrize(
    "source",
    [
        "class Own(Base):\n    n = 0\n    def fit(self, X):\n        type(self).n += 1",
        "class Own(Base):\n    log = []\n    def fit(self, X):\n        self.log.append(len(X))",
        "class Own(Base):\n    log = {}\n    def fit(self, X):\n        self.log[len(X)] = 1",
        "N = 0\nclass Own(Base):\n    def fit(self, X):\n        global N\n        N += 1",
        "LOG = []\nclass Own(Base):\n    def fit(self, X):\n        LOG.append(1)",
        "LOG = []\ndef note(x):\n    LOG.append(x)\n"
        "class Own(Base):\n    def fit(self, X):\n        note(len(LOG))",
        "class Log:\n    n = 0\n    def __call__(self):\n        self.n += 1\nLOG = Log()\n"
        "class Own(Base):\n    def fit(self, X):\n        LOG()",
        "class Own(Base):\n    def fit(self, X):\n        type(self).cache_ = 1",
        "from sklearn.preprocessing import MinMaxScaler\nSCALER = MinMaxScaler()\n"
        "class Own(Base):\n    def fit(self, X):\n        SCALER.fit([X])",
        "import random\nRNG = random.Random(0)\nclass Own(Base):\n    def fit(self, X):\n        RNG.random()",
        "class Log:\n    def __init__(self):\n        self.seen = []\n    def note(self, x):\n"
        "        self.seen.append(x)\nLOGS = {'own': Log()}\n"
        "class Own(Base):\n    def fit(self, X):\n        LOGS['own'].note(1)",
    ],
)
def test_what_the_code_itself_changes_does_not_count(source):
    estimator = own(source)
    before = describe_user_code(estimator)
    estimator.fit([1])
    assert describe_user_code(estimator) == before != ""


def test_installed_packages_are_no_code_of_the_user():
    pipeline = Pipeline([("scale", StandardScaler()), ("clf", SVC(C=2))])
    space = {"clf__C": stats.loguniform(1, 2), "clf__degree": stats.randint(1, 3), "clf": [SVC()]}
    assert describe_user_code(pipeline, np.dot, len, make_scorer(f1_score), candidates=space) == ""


def test_distributions_of_the_user_are_code():
    def of(n):
        source = f"class Own(stats.rv_continuous):\n    def _cdf(self, x):\n        return x / {n}\nfrozen = Own()(1)"
        return describe_user_code(candidates={"x": module_of("from scipy import stats\n" + source).frozen})

    assert changed_code(of(10), of(20)) == ["Own"]


def test_more_candidates_are_no_change_of_code():
    a, b, c = (module_of(f"Own = lambda x: x + {n}").Own for n in (10, 20, 30))
    assert changed_code(describe_user_code([a]), describe_user_code([a, b])) == []
    assert changed_code(describe_user_code([a, b]), describe_user_code([a, c])) == ["<lambda>"]
    assert describe_user_code(candidates={"kernel": [a]}) == ""  # another candidate, not a changed one
    assert changed_code(describe_user_code(SVC()), describe_user_code(own("class Own(Base): pass"))) == []


SCRIPT = """
import local_module
from sklearn.base import BaseEstimator
from skhpt.user_code import describe_user_code

class Own(BaseEstimator):
    names = {"x", "y", "z"}

    def fit(self, X):
        return local_module.helper(X), [object(), *self.names]

description = describe_user_code(Own(), lambda x: Own)
"""


def test_digests_are_the_same_in_every_process(tmp_path, monkeypatch):
    (tmp_path / "local_module.py").write_text("def helper(x):\n    return x in {'a', 'b', 'c'}\n")
    (tmp_path / "script.py").write_text(SCRIPT + "print(description)")
    command = [sys.executable, str(tmp_path / "script.py")]
    there = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ).stdout.strip()
    monkeypatch.syspath_prepend(tmp_path)
    here = module_of(SCRIPT).description
    assert here == there
    assert [entry.split(" #")[0] for entry in here.split(", ")] == ["<lambda>", "Own", "helper"]


def test_a_class_that_refers_to_itself_is_described():
    source = (
        "class Own(Base):\n    def fit(self, X):\n        return Own, super().__repr__()\n    loop = []\n"
    )
    estimator = own(source + "Own.loop.append(Own.loop)")
    assert describe_user_code(estimator).startswith("Own #")
