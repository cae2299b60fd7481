"""Portfolios: configurations of an estimator that are good together on many data sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

from sklearn.base import is_classifier

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.spaces.data import DataSummary, summarize
from skhpt.spaces.output import transformed
from skhpt.spaces.ranges import tidy
from skhpt.spaces.registry import class_key

#: Units of parameters, by the names that the files use.
UNITS: dict[str, Callable[[DataSummary], float]] = {
    "std(y)": lambda data: data.unit_of_y,
    "var(y)": lambda data: data.unit_of_y**2,
    "1 / var(X)": lambda data: 1 / data.spread,
}
#: Contents of the files by the package and the name of a class.
Stored: TypeAlias = dict[tuple[str, str], list[dict[str, Any]]]


def portfolio(estimator: Estimator, X: ArrayLike = None, y: ArrayLike = None) -> list[Params]:
    """Return configurations that are good together on many data sets: on most of them, one of the first few is good.

    They were chosen one after another, each so that the best of all is as good as possible on average over the
    data sets of the test bed. `skhpt.BayesSearchCV` starts with those that are the most useful in its space.

    Parameters
    ----------
    estimator : estimator object
        The estimator to tune, which may be a pipeline.
    X : array-like of shape (n_samples, n_features), default=None
        Training data. The width of a kernel depends on the sum of the variances of the features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Target. Parameters in the unit of y, such as `epsilon` of `sklearn.svm.SVR`, depend on its standard deviation.

    Returns
    -------
    configurations : list of dict
        Parameters of each configuration, for `set_params` or `skhpt.ManualSearch`, the most useful first; an empty list
        if there is no portfolio for the last step of the estimator. If a class has several portfolios, which
        differ in their parameters, they follow one another.

    Raises
    ------
    TypeError
        If the estimator is a class.

    See Also
    --------
    default_space : Ranges of parameters.

    Notes
    -----
    The configurations were evaluated on data sets with 240 rows, those of forests with 12 trees, those of boosting
    with up to 60. Numbers to predict had a mean of 0 and a standard deviation of 1.

    Portfolios of configurations that complement each other are the idea of Feurer et al. (2022), "Auto-sklearn
    2.0", Journal of Machine Learning Research 23, section 4.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVR
    >>> from skhpt.spaces import portfolio
    >>> X, y = load_diabetes(return_X_y=True)
    >>> for params in portfolio(make_pipeline(StandardScaler(), SVR()), X, y)[:2]:
    ...     print(params)
    {'svr__C': 340.0, 'svr__epsilon': 1.4, 'svr__gamma': 0.02}
    {'svr__C': 6000.0, 'svr__epsilon': 13.0, 'svr__gamma': 0.00018}
    """
    if isinstance(estimator, type):
        raise TypeError(f"estimator must be an instance, got the class {estimator.__name__}: add ()")
    return configurations_of(stored(), estimator, X, y)


def configurations_of(by_class: Stored, estimator: Estimator, X: ArrayLike, y: ArrayLike) -> list[Params]:
    """Return the configurations of the portfolios of the last step of an estimator.

    Parameters
    ----------
    by_class : dict
        Contents of the files by the package and the name of a class.
    estimator : estimator
        The estimator.
    X, y : array-like or None
        The data.
    """
    steps = list(_steps(estimator, DataSummary()))
    key = class_key(steps[-1].estimator, by_class) if steps else None
    if key is None:
        return []
    if any(content["units"] for content in by_class[key]):
        summary = summarize(X, y, is_classification=is_classifier(estimator))
        steps = list(_steps(estimator, summary))
    found: list[Params] = []
    classes = {type(step.estimator).__name__ for step in steps}
    for content in by_class[key]:
        if classes.issuperset(content["requires"]):
            found += configurations(content, steps)
    return found


@dataclass(frozen=True)
class Step:
    """Step of a pipeline, or an estimator alone.

    Attributes
    ----------
    prefix : str
        What the names of its parameters begin with, such as "svr__".
    estimator : estimator
        The step.
    data : DataSummary
        Summary of the data that it is fitted on.
    """

    prefix: str
    estimator: Estimator
    data: DataSummary


def configurations(content: Mapping[str, Any], steps: Sequence[Step]) -> list[Params]:
    """Return the members of a portfolio with the names and the units of the steps of an estimator.

    Parameters
    ----------
    content : dict
        Content of a file: the members have values by ``Class.parameter``, of which those of classes that no step
        has are left out; the first of the estimators is the class that stands for all of them, and units are
        keys of `UNITS`.
    steps : sequence of Step
        The steps of the estimator; the last one is of one of these classes.
    """
    by_class = {type(step.estimator).__name__: step for step in steps}
    by_class[content["estimators"][0]] = steps[-1]
    units = content["units"]
    found: list[Params] = []
    for member in content["members"]:
        params = {}
        for key, value in member.items():
            kind, name = key.split(".")
            if kind in by_class:
                step = by_class[kind]
                if key in units:
                    value = tidy(value * UNITS[units[key]](step.data))
                params[step.prefix + name] = tuple(value) if isinstance(value, list) else value
        if params and params not in found:
            found.append(params)
    return found


def _steps(estimator: Estimator, data: DataSummary, prefix: str = "") -> Iterator[Step]:
    """Yield the steps of a pipeline, also of pipelines in it; an estimator that is none is its own only step."""
    if class_key(estimator, {("sklearn", "Pipeline"): None, ("imblearn", "Pipeline"): None}) is None:
        yield Step(prefix, estimator, data)
        return
    for name, step in estimator.steps:
        if hasattr(step, "get_params"):  # not "passthrough" or None
            yield from _steps(step, data, f"{prefix}{name}__")
            data = transformed(step, data, [{}])


@cache
def stored() -> Stored:
    """Return the contents of all files by the package and the name of a class."""
    by_class: Stored = {}
    folder = files("skhpt.spaces") / "portfolios"
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        content = json.loads(path.read_text(encoding="utf-8"))
        for name in content["estimators"]:
            by_class.setdefault((content["package"], name), []).append(content)
    return by_class
