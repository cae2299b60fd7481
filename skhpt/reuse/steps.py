"""The parts of an estimator that are fitted one after another, and what each of them depends on.

Two candidates of a search share the fit of a part if its *key* is the same: its class and parameters, and the keys of
all that its input went through before. So the scaler of a pipeline depends on nothing but itself and the data of the
fold, the PCA behind it on both, and the classifier on all three.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.linear_model import ElasticNet, Lasso, MultiTaskElasticNet, MultiTaskLasso
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import SVC, NuSVC

from skhpt.fitting.slicing import is_read_only
from skhpt.identity import clone_key, snapshot, value_key
from skhpt.reuse.inert import without_inert
from skhpt.reuse.submodels import SubModel, submodels_of
from skhpt.reuse.submodels.kernels import estimates_no_probabilities


@dataclass(frozen=True)
class Step:
    """A part of an estimator: a step, a branch, or the estimator itself.

    Attributes
    ----------
    path : str
        Its parameter name, such as ``clf`` or ``features__text``; empty for the estimator itself.
    estimator : estimator
        The part as the candidate has it, not fitted.
    key : hashable
        Equal for parts whose fits are the same.
    families : tuple of (SubModel, key)
        How one fit may serve others than those of the same key; the key does without the parameters in question.
    inside : str or None
        The path of the part that it belongs to, such as a `ColumnTransformer`; None if it is a link of the chain from
        the data to the model.
    has_parts : bool
        Whether there are parts inside it.
    """

    path: str
    estimator: Any
    key: Hashable
    families: tuple[tuple[SubModel, Hashable], ...] = ()
    inside: str | None = None
    has_parts: bool = False

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return _name(self.path, self.estimator)


@dataclass(frozen=True)
class FitGraph:
    """How a candidate's estimator comes to be.

    Attributes
    ----------
    parts : tuple of Part
        In the order in which they are fitted, branches before their union.
    names : frozenset of str
        What its parts are called in reports.
    unseeded : dict of str to str
        The names of those that may draw from numpy's global generator in ways that matter, by their paths.
    vain : frozenset of str
        The paths of those that draw from it without making use of it.
    doubt : str
        Why this candidate is fitted on its own; empty if it need not be.
    is_foreign : bool
        Whether it has parts that are not known to leave their input alone.
    """

    parts: tuple[Step, ...]
    names: frozenset[str] = frozenset()
    unseeded: dict[str, str] = field(default_factory=dict)
    irrelevant_draws: frozenset[str] = frozenset()
    doubt: str = ""
    is_foreign: bool = False

    @property
    def chain(self) -> list[Step]:
        """The parts from the data to the model, without those inside them."""
        return [part for part in self.parts if part.inside is None]

    def outline(self) -> FitGraph:
        """Return what workers need to know of it."""
        return replace(self, parts=tuple(replace(part, estimator=None, key=None, families=()) for part in self.parts))

    def n_fits(self, path: str = "", without: Collection[str] = ()) -> int:
        """Count the fits of parts that have none inside, in the part at a path, but not in those at some others."""
        paths = [part.path for part in self.parts if not part.has_parts and is_in(part.path, path)]
        return sum(not any(is_in(one, other) for other in without) for one in paths)


#: Keys of estimators, and of the families that they belong to, by all their parameters.
Known = dict[Hashable, tuple[Hashable, list[tuple[SubModel, Hashable]]]]


def fit_graphs(base: Any, candidates: Iterable[Mapping[str, Any]], close: bool = False) -> list[FitGraph]:
    """Read the recipes of several candidates, given by their parameters; what they have in common is read once."""
    known: Known = {}
    return [fit_graph(base, params, close, known) for params in candidates]


def fit_graph(base: Any, params: Mapping[str, Any], close: bool = False, known: Known | None = None) -> FitGraph:
    """Read the recipe of a candidate.

    Parameters
    ----------
    base : estimator
        The estimator of the search; it stays as it is.
    params : dict
        The candidate's parameters; they stay as they are too.
    close : bool, default=False
        Whether fits may be shared that agree up to rounding only.
    known : dict, default=None
        What was found out about the parts of other candidates; what is found out now is added.
    """
    try:
        estimator = snapshot(base).set_params(**{name: snapshot(value) for name, value in params.items()})
        parts = tuple(_Reader(close, {} if known is None else known).follow(estimator, "", ()))
        everything = _all_parts(estimator)
    except Exception:  # whatever it is, fitting it will show it
        return FitGraph((), doubt="their parameters are not valid")
    draws = {path: _may_draw(part) for path, (part, own) in everything.items() if _has_no_seed(own)}
    names = {path: _name(path, part, draws.get(path, False)) for path, (part, _) in everything.items()}
    return FitGraph(
        parts,
        names=frozenset(names.values()),
        unseeded={path: names[path] for path, matters in draws.items() if matters},
        irrelevant_draws=frozenset(path for path, matters in draws.items() if not matters),
        doubt=next(filter(None, starmap(_doubt, everything.values())), ""),
        is_foreign=not is_read_only(estimator),
    )


def is_in(path: str, whole: str) -> bool:
    """Tell whether a part is, or belongs to, another one, given their paths."""
    return not whole or path == whole or path.startswith(f"{whole}__")


@dataclass(frozen=True)
class _Reader:
    """Reads estimators from the data to the model."""

    close: bool
    known: Known

    def follow(self, estimator: Any, path: str, lineage: Hashable) -> Iterator[Step]:
        """Go along the chain."""
        if type(estimator) is Pipeline:
            *steps, (name, last) = estimator.steps
            for link in self.links(steps, path, lineage, inside=None):
                yield link
                lineage = link.key if link.inside is None else lineage
            yield from self.follow(last, _join(path, name), lineage)
        elif type(estimator) is TransformedTargetRegressor and estimator.regressor is not None:
            others = {name: value for name, value in estimator.get_params(deep=False).items() if name != "regressor"}
            lineage = (lineage, "target", value_key(others))
            yield from self.follow(estimator.regressor, _join(path, "regressor"), lineage)
        elif _is_part(estimator):
            yield from self.part(estimator, path, lineage, inside=None)

    def links(
        self, steps: Sequence[tuple[str, Any]], path: str, lineage: Hashable, inside: str | None
    ) -> Iterator[Step]:
        """Take steps of a pipeline, one after another."""
        for name, step in steps:
            if _is_part(step):
                parts = list(self.part(step, _join(path, name), lineage, inside))
                yield from parts
                lineage = parts[-1].key

    def part(self, estimator: Any, path: str, lineage: Hashable, inside: str | None) -> Iterator[Step]:
        """Take what is inside a part, if it is known to have parts of its own, and then the part."""
        if type(estimator) is Pipeline:
            inner = list(self.links(estimator.steps, path, lineage, inside=path))
        else:
            inner = [
                part
                for name, branch, where in _UNIONS.get(type(estimator), _no_branches)(estimator)
                if _is_part(branch)
                for part in self.part(branch, _join(path, name), (lineage, where), inside=path)
            ]
        yield from inner
        key, families = self.keys(estimator)
        yield Step(
            path, estimator, (lineage, key), tuple((one, (lineage, k)) for one, k in families), inside, bool(inner)
        )

    def keys(self, estimator: Any) -> tuple[Hashable, list[tuple[SubModel, Hashable]]]:
        """Key of an estimator without its inert parameters, and of the families that it belongs to."""
        if not hasattr(estimator, "get_params") or type(estimator) is Pipeline:
            return value_key(estimator), []
        kind = (type(estimator), clone_key(estimator))
        params = {name: value_key(value) for name, value in estimator.get_params(deep=False).items()}
        everything = (kind, frozenset(params.items()))
        if everything not in self.known:
            self.known[everything] = self._find_out(estimator, kind, params)
        return self.known[everything]

    def _find_out(
        self, estimator: Any, kind: Hashable, params: dict[str, Hashable]
    ) -> tuple[Hashable, list[tuple[SubModel, Hashable]]]:
        if hasattr(estimator, "_parameter_constraints"):
            estimator._validate_params()
        params = {name: params[name] for name in without_inert(estimator)}
        families: list[tuple[SubModel, Hashable]] = [
            (known, (kind, frozenset((name, key) for name, key in params.items() if name not in known.parameters)))
            for known in submodels_of(estimator)
            if self.close or not known.is_close
        ]
        return (kind, frozenset(params.items())), families


def _is_part(thing: Any) -> bool:
    return thing is not None and not isinstance(thing, str)  # "passthrough", "drop"


def _no_branches(estimator: Any) -> list[tuple[str, Any, Hashable]]:
    return []


def _of_feature_union(union: FeatureUnion) -> list[tuple[str, Any, Hashable]]:
    return [(name, part, ()) for name, part in union.transformer_list]


def _of_column_transformer(union: ColumnTransformer) -> list[tuple[str, Any, Hashable]]:
    return [(name, part, value_key(columns)) for name, part, columns in union.transformers]


def _of_voting(union: Any) -> list[tuple[str, Any, Hashable]]:
    return [(name, part, ()) for name, part in union.estimators]


#: Estimators that fit several others on the same data, and their branches: name, estimator, and what it is given of X.
_UNIONS: dict[type, Any] = {
    FeatureUnion: _of_feature_union,
    ColumnTransformer: _of_column_transformer,
    VotingClassifier: _of_voting,
    VotingRegressor: _of_voting,
}


def _join(path: str, name: str) -> str:
    return f"{path}__{name}" if path else name


def _all_parts(estimator: Any) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return every estimator inside another one, and that one, by their names, with their own parameters."""
    inside = {"": estimator} | estimator.get_params(deep=True)
    return {name: (part, part.get_params(deep=False)) for name, part in inside.items() if hasattr(part, "get_params")}


def _name(path: str, part: Any, draws: bool = False) -> str:
    name = f"{path}: {type(part).__name__}" if path else type(part).__name__
    return f"{name} without random_state" if draws else name


def _doubt(part: Any, params: dict[str, Any]) -> str:
    """Say why a part forbids sharing; nothing if it does not."""
    if isinstance(part, Pipeline) and part.memory is not None:
        return "their pipeline has a memory of its own"
    if isinstance(part, Pipeline) and getattr(part, "transform_input", None):
        return "their pipeline has transform_input"
    if type(part) in _UNIONS and params.get("n_jobs") not in (None, 1):
        return "their branches are fitted in parallel"
    if any("copy" in name and value is False for name, value in params.items()):
        return "a step writes to its input (copy=False)"
    return ""


def _has_no_seed(params: dict[str, Any]) -> bool:
    seed = params.get("random_state", 0)
    return seed is None or seed is np.random or seed is np.random.mtrand._rand


def _may_draw(part: Any) -> bool:
    """Tell of a part without a seed of its own whether what it draws matters."""
    return not _DRAWS_IN_VAIN.get(type(part), _never)(part)


def _never(part: Any) -> bool:
    return False


def _goes_round(lasso: Any) -> bool:
    return lasso.selection == "cyclic"


#: Estimators that draw a seed at every fit, and when they make no use of it.
_DRAWS_IN_VAIN: dict[type, Callable[[Any], bool]] = dict.fromkeys((SVC, NuSVC), estimates_no_probabilities)
_DRAWS_IN_VAIN |= dict.fromkeys((Lasso, ElasticNet, MultiTaskLasso, MultiTaskElasticNet), _goes_round)
