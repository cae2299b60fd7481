"""The space of a composite estimator, such as a pipeline, made of the spaces of its parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import clone

from skhpt._typing import ArrayLike, Estimator
from skhpt.spaces.data import DataSummary, scale_of, summarize_features
from skhpt.spaces.output import transformed, unknown
from skhpt.spaces.registry import Branches, class_key, own_space

#: Largest number of branches of a space.
MAX_BRANCHES = 16
#: Share of the rows, and of the features, that an estimator within another one gets at least.
INNER_SHARE = 0.5


@dataclass(frozen=True)
class Part:
    """Part of a space.

    Attributes
    ----------
    branches : list of dict
        Its branches, the most promising first; the names have the prefix of the step.
    output : DataSummary
        Summary of what the part makes of the data.
    """

    branches: Branches
    output: DataSummary


@dataclass(frozen=True)
class Data:
    """The data of an estimator.

    Attributes
    ----------
    X, y : array-like or None
        The data, as far as no step has changed them.
    summary : DataSummary
        Summary of the data.
    """

    X: ArrayLike
    y: ArrayLike
    summary: DataSummary

    def summarized(self, summary: DataSummary) -> Data:
        """Return transformed data, of which only the summary is known."""
        return replace(self, X=None, summary=summary)


#: ``compose(estimator, data)`` returns the space of a composite estimator.
Compose: TypeAlias = "Callable[[Estimator, Data], Part]"
_COMPOSITES: dict[tuple[str, str], Compose] = {}


def space_of_estimator(estimator: Estimator, data: Data) -> Part:
    """Return the space of an estimator and its parts; one empty branch if nothing is known of it."""
    if not hasattr(estimator, "get_params"):  # "passthrough", "drop" or None
        return Part([{}], data.summary if estimator in ("passthrough", None) else unknown(data.summary))
    key = class_key(estimator, _COMPOSITES)
    if key is not None:
        return _COMPOSITES[key](estimator, data)
    branches = own_space(estimator, data.summary)
    return Part(branches, transformed(estimator, data.summary, branches))


def combined(parts: Sequence[Branches]) -> Branches:
    """Return each combination of branches.

    If there are more than `MAX_BRANCHES`, the part with the most branches loses its last branch, again and
    again, until there are few enough.
    """
    kept = [list(branches) for branches in parts]
    while math.prod(map(len, kept)) > MAX_BRANCHES:
        longest = max(kept, key=len)
        longest.pop()
    branches = []
    for combination in product(*kept):
        branches.append({name: values for branch in combination for name, values in branch.items()})
    return branches


def prefixed(prefix: str, branches: Branches) -> Branches:
    """Return branches whose names have a prefix."""
    return [{f"{prefix}__{name}": values for name, values in branch.items()} for branch in branches]


def _composite(*names: str, package: str = "sklearn") -> Callable[[Compose], Compose]:
    def register(compose: Compose) -> Compose:
        for name in names:
            _COMPOSITES[package, name] = compose
        return compose

    return register


# -- steps ---------------------------------------------------------------------------------------------------


@_composite("Pipeline")
def _pipeline(estimator: Estimator, data: Data) -> Part:
    is_last, parts = data.summary.is_last, []
    for i, (name, step) in enumerate(estimator.steps):
        summary = replace(data.summary, is_last=is_last and i == len(estimator.steps) - 1)
        part = space_of_estimator(step, replace(data, summary=summary))
        parts.append(prefixed(name, part.branches))
        if step not in ("passthrough", None):
            data = data.summarized(part.output)
    return Part(combined(parts), replace(data.summary, is_last=is_last))


@_composite("FeatureUnion")
def _feature_union(estimator: Estimator, data: Data) -> Part:
    inner = replace(data, summary=replace(data.summary, is_last=False))
    parts, outputs = [], []
    for name, transformer in estimator.transformer_list:
        part = space_of_estimator(transformer, inner)
        parts.append(prefixed(name, part.branches))
        if transformer != "drop":
            outputs.append(part.output)
    return Part(combined(parts), _side_by_side(data.summary, outputs))


@_composite("ColumnTransformer")
def _column_transformer(estimator: Estimator, data: Data) -> Part:
    parts, outputs = [], []
    for name, transformer, columns in estimator.transformers:
        X = _columns_of(data.X, columns)
        summary = replace(unknown(data.summary), is_last=False)
        if X is not None and getattr(X, "ndim", 2) == 2:
            summary = replace(summary, **summarize_features(X))
        part = space_of_estimator(transformer, Data(X, data.y, summary))
        parts.append(prefixed(name, part.branches))
        if not (isinstance(transformer, str) and transformer == "drop"):
            outputs.append(part.output)
    return Part(combined(parts), _side_by_side(data.summary, outputs))


def _columns_of(X: ArrayLike, columns: Any) -> Any:
    """Return some columns of the data; None if they cannot be told."""
    if X is None:
        return None
    try:
        if callable(columns):
            columns = columns(X)
        if hasattr(X, "iloc"):
            is_named = isinstance(columns, str) or (not isinstance(columns, slice) and _are_texts(columns))
            return X.loc[:, columns] if is_named else X.iloc[:, columns]
        return X[:, columns]
    except Exception:  # a user's function, or columns of another kind
        return None


def _are_texts(columns: Any) -> bool:
    return not isinstance(columns, int) and all(isinstance(name, str) for name in columns)


def _side_by_side(data: DataSummary, outputs: Sequence[DataSummary]) -> DataSummary:
    """Return the summary of several groups of features."""
    whole = unknown(data)
    if not outputs or any(output.n_features is None for output in outputs):
        return whole
    n_features = sum(output.n_features or 0 for output in outputs)
    variances = [output.variance for output in outputs]
    norms = [output.squared_norm for output in outputs]
    return replace(whole, n_features=n_features, variance=_sum(variances), squared_norm=_sum(norms))


def _sum(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


# -- estimators around others --------------------------------------------------------------------------------


def _around(estimator: Estimator, data: Data, inner: DataSummary, parameter: str = "estimator") -> Part:
    """Return the own space of an estimator, with that of the estimator within it."""
    part = getattr(estimator, parameter, None)
    branches = own_space(estimator, data.summary)
    output = transformed(estimator, data.summary, branches)
    parts = [branches]
    if hasattr(part, "get_params"):
        space = space_of_estimator(part, data.summarized(replace(inner, is_last=True)))
        parts.append(prefixed(parameter, space.branches))
    return Part(combined(parts), output)


@_composite("MultiOutputClassifier", "MultiOutputRegressor")
@_composite("FixedThresholdClassifier", "SelfTrainingClassifier", "IterativeImputer")
def _on_all_rows(estimator: Estimator, data: Data) -> Part:
    return _around(estimator, data, data.summary)


@_composite("ClassifierChain", "RegressorChain")
def _chain(estimator: Estimator, data: Data) -> Part:
    parameter = "estimator" if "estimator" in estimator.get_params(deep=False) else "base_estimator"
    return _around(estimator, data, data.summary, parameter)


@_composite("OneVsRestClassifier", "OutputCodeClassifier")
def _for_two_classes(estimator: Estimator, data: Data) -> Part:
    return _around(estimator, data, replace(data.summary, n_classes=2, class_balance=None))


@_composite("OneVsOneClassifier")
def _for_pairs_of_classes(estimator: Estimator, data: Data) -> Part:
    balance = data.summary.class_balance or 1.0
    inner = _share_of_rows(data.summary, balance / (data.summary.n_classes or 2))
    return _around(estimator, data, replace(inner, n_classes=2))


@_composite("CalibratedClassifierCV", "TunedThresholdClassifierCV")
def _on_inner_folds(estimator: Estimator, data: Data) -> Part:
    return _around(estimator, data, _share_of_rows(data.summary, INNER_SHARE))


@_composite("SelectFromModel", "RFE", "RFECV", "SequentialFeatureSelector")
def _on_fewer_features(estimator: Estimator, data: Data) -> Part:
    inner = replace(
        _share_of_rows(data.summary, INNER_SHARE), n_features=1 if data.summary.n_features else None
    )
    part = _around(estimator, data, inner)
    # Only a linear kernel has the coefficients by which features are selected.
    own = estimator.get_params(deep=True)
    return replace(part, branches=[branch for branch in part.branches if _keeps_kernels(branch, own)] or [{}])


def _keeps_kernels(branch: dict[str, Any], own: dict[str, Any]) -> bool:
    return all(own[name] in values for name, values in branch.items() if name.endswith("__kernel"))


@_composite("BaggingClassifier", "BaggingRegressor")
def _bagging(estimator: Estimator, data: Data) -> Part:
    inner = _share_of_rows(data.summary, INNER_SHARE)
    if inner.n_features is not None:
        inner = replace(inner, n_features=max(1, int(INNER_SHARE * inner.n_features)))
    return _around(estimator, data, inner)


@_composite("AdaBoostClassifier", "AdaBoostRegressor")
def _adaptive_boosting(estimator: Estimator, data: Data) -> Part:
    # The fit fails if the first model is worse than chance, which is certain only of trees.
    tree = ("sklearn", type(estimator.estimator).__name__)
    is_tree = "Tree" in tree[1] and class_key(estimator.estimator, {tree: None}) is not None
    if is_tree:
        return _around(estimator, data, data.summary)
    branches = own_space(estimator, data.summary)
    return Part(branches, unknown(data.summary))


@_composite("TransformedTargetRegressor")
def _transformed_target(estimator: Estimator, data: Data) -> Part:
    inner = replace(data.summary, y_scale=_scale_after(estimator, data.y))
    return _around(estimator, data, inner, "regressor")


def _scale_after(estimator: Estimator, y: ArrayLike) -> float | None:
    """Return the standard deviation of a target after its transformation; None if it is not known."""
    if y is None:
        return None
    try:
        target = np.asarray(y, dtype=float)
        if estimator.transformer is not None:
            column = target[:, np.newaxis] if target.ndim == 1 else target
            target = clone(estimator.transformer).fit_transform(column)
        elif estimator.func is not None:
            target = estimator.func(target)
        return scale_of(np.asarray(target, dtype=float))
    except Exception:  # a user's function
        return None


@_composite("VotingClassifier", "VotingRegressor")
def _voting(estimator: Estimator, data: Data) -> Part:
    return Part(combined(list(_members(estimator, data, data.summary))), unknown(data.summary))


@_composite("StackingClassifier", "StackingRegressor")
def _stacking(estimator: Estimator, data: Data) -> Part:
    inner = _share_of_rows(data.summary, INNER_SHARE)
    parts = [own_space(estimator, data.summary), *_members(estimator, data, inner)]
    if hasattr(estimator.final_estimator, "get_params"):
        part = space_of_estimator(estimator.final_estimator, data.summarized(unknown(inner)))
        parts.append(prefixed("final_estimator", part.branches))
    return Part(combined(parts), unknown(data.summary))


def _members(estimator: Estimator, data: Data, summary: DataSummary) -> Iterator[Branches]:
    for name, member in estimator.estimators:
        if hasattr(member, "get_params"):
            yield prefixed(name, space_of_estimator(member, replace(data, summary=summary)).branches)


def _share_of_rows(data: DataSummary, share: float) -> DataSummary:
    """Return the summary of a part of the rows."""
    if data.n_train is None or data.n_lost is None:
        return data
    n_train = max(1, int(share * data.n_train))
    return replace(data, n_train=n_train, n_lost=data.n_lost + data.n_train - n_train)
