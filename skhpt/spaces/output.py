"""What a transformer does to the summary of the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from skhpt._typing import Estimator
from skhpt.spaces.data import DataSummary
from skhpt.spaces.registry import Branches, class_key

#: ``output(data, width)`` returns the summary of the output; ``width(name)`` is the least value of a parameter.
Output: TypeAlias = "Callable[[DataSummary, Callable[[str], int | None]], DataSummary]"

_OUTPUTS: dict[tuple[str, str], Output] = {}


def transformed(estimator: Estimator, data: DataSummary, branches: Branches) -> DataSummary:
    """Return the summary of the output of a transformer.

    Parameters
    ----------
    estimator : estimator
        The transformer.
    data : DataSummary
        Summary of its input.
    branches : list of dict
        Its space: the output has the smallest number of features that a candidate gives.
    """
    key = class_key(estimator, _OUTPUTS)
    if key is None:
        return unknown(data)
    own = estimator.get_params(deep=False)
    if own.get("whiten") is True:
        data = replace(data, variance=None)
    return _OUTPUTS[key](data, lambda name: _least(name, own.get(name), branches))


def unknown(data: DataSummary) -> DataSummary:
    """Return the summary of features of which nothing is known."""
    return replace(
        data, n_features=None, variance=None, squared_norm=None, has_negative=False, most_frequent=0
    )


def _least(name: str, own: Any, branches: Branches) -> int | None:
    """Return the least integer that a parameter can have; None if it is no number of features."""
    values: list[Any] = []
    for branch in branches:
        searched = branch.get(name, [own])
        values += searched if isinstance(searched, list) else [searched.support()[0]]
    is_number = [
        isinstance(value, (int, float)) and value == int(value) and not isinstance(value, bool)
        for value in values
    ]
    return int(min(values)) if values and all(is_number) else None


def _output_of(*names: str) -> Callable[[Output], Output]:
    def register(output: Output) -> Output:
        for name in names:
            _OUTPUTS["sklearn", name] = output
        return output

    return register


@_output_of("FunctionTransformer", "SimpleImputer", "KNNImputer", "IterativeImputer", "KernelCenterer")
def _same(data: DataSummary, width: Any) -> DataSummary:
    return data


@_output_of("StandardScaler", "RobustScaler", "PowerTransformer")
def _standardized(data: DataSummary, width: Any) -> DataSummary:
    return replace(_of_variance(data, 1.0, 1.0), has_negative=True)


@_output_of("MinMaxScaler", "MaxAbsScaler", "QuantileTransformer")
def _in_unit_interval(data: DataSummary, width: Any) -> DataSummary:
    return replace(_of_variance(data, 1 / 12, 1 / 3), has_negative=True)  # of new rows below the minimum


def _of_variance(data: DataSummary, variance: float, squared_norm: float) -> DataSummary:
    """Return the same features with a variance and a mean square of each."""
    n = data.n_features
    if n is None:
        return replace(data, variance=None, squared_norm=None)
    return replace(data, variance=n * variance, squared_norm=n * squared_norm)


@_output_of("Normalizer", "TfidfTransformer")
def _unit_norm(data: DataSummary, width: Any) -> DataSummary:
    return replace(data, variance=1.0, squared_norm=1.0)


@_output_of("TfidfVectorizer", "HashingVectorizer")
def _words_of_unit_norm(data: DataSummary, width: Any) -> DataSummary:
    return replace(unknown(data), variance=1.0, squared_norm=1.0)


@_output_of("OrdinalEncoder", "PolynomialFeatures", "SplineTransformer", "TargetEncoder", "KBinsDiscretizer")
def _at_least_as_many(data: DataSummary, width: Any) -> DataSummary:
    return replace(unknown(data), n_features=data.n_features)


@_output_of("PCA", "IncrementalPCA", "TruncatedSVD", "FactorAnalysis")
@_output_of("GaussianRandomProjection", "SparseRandomProjection")
def _components(data: DataSummary, width: Any) -> DataSummary:
    return replace(data, n_features=width("n_components"), has_negative=True)


@_output_of("Nystroem", "RBFSampler")
def _unit_vectors(data: DataSummary, width: Any) -> DataSummary:
    return replace(data, n_features=width("n_components"), variance=1.0, squared_norm=1.0)


@_output_of("SelectKBest")
def _best(data: DataSummary, width: Any) -> DataSummary:
    n_best = width("k")  # None for "all"
    return data if n_best is None else _fewer(data, n_best)


@_output_of("SelectPercentile")
def _best_percentile(data: DataSummary, width: Any) -> DataSummary:
    percentile = width("percentile")
    if data.n_features is None or percentile is None:
        return replace(data, n_features=None)
    return _fewer(data, max(1, math.floor(data.n_features * percentile / 100)))


@_output_of("RFE", "SequentialFeatureSelector")
def _selected(data: DataSummary, width: Any) -> DataSummary:
    n_selected = width("n_features_to_select")
    return replace(data, n_features=None) if n_selected is None else _fewer(data, n_selected)


@_output_of("SelectFromModel", "VarianceThreshold")
def _at_least_one(data: DataSummary, width: Any) -> DataSummary:
    return _fewer(data, 1)


def _fewer(data: DataSummary, n_features: int) -> DataSummary:
    return replace(data, n_features=n_features)
