"""Names for the types of users' objects, which are not checked statically."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

#: An object with ``fit``, ``get_params`` and ``set_params``.
Estimator: TypeAlias = Any
#: A list, ndarray, sparse matrix, DataFrame or anything else that scikit-learn indexes by rows.
ArrayLike: TypeAlias = Any
#: ``scorer(estimator, X, y) -> float or dict``, or scikit-learn's multimetric scorer.
Scorer: TypeAlias = Any
#: Parameter names of an estimator and their values.
Params: TypeAlias = dict[str, Any]
#: A distribution of SciPy's kind (``rvs``, mostly ``ppf`` and ``cdf``), or a list of choices.
Distribution: TypeAlias = Any
#: A DataFrame of pandas or polars, a pyarrow table, or anything else with columns by name.
Table: TypeAlias = Any
#: A dict of distributions, or a list of such dicts.
SpaceDefinition: TypeAlias = "Mapping[str, Distribution] | list[Mapping[str, Distribution]]"
#: ``constraint(params) -> bool``.
Constraint: TypeAlias = Callable[[Params], Any]
#: Seed or generator, as in scikit-learn.
RandomState: TypeAlias = "int | np.random.RandomState | None"
#: A metric name, a scorer, or several of them, as in scikit-learn.
Scoring: TypeAlias = "str | Callable[..., Any] | Sequence[str] | Mapping[str, Any] | None"
#: Number of folds, a splitter, or an iterable of (train, test) row indices, as in scikit-learn.
CrossValidator: TypeAlias = Any
#: The parameter `refit`: whether to refit, the metric that decides, or a rule that chooses the best row.
Refit: TypeAlias = "bool | str | Callable[[dict[str, Any]], int]"
#: Score of a failed fit, or "raise".
ErrorScore: TypeAlias = 'float | Literal["raise"]'
#: Row indices of the training part and of the test part of a fold.
Split: TypeAlias = "tuple[np.ndarray, np.ndarray]"
