"""Fit graph of a candidate: the steps that are fitted one after another, each with a key.

Two candidates can share the fit of a step if its key is the same. The key holds the class and the parameters
of the step, and the keys of all steps that its input went through. The key of a scaler depends on the scaler
alone, the key of the PCA after it on both, the key of the classifier on all three. (All of them are fitted on
the rows of one fold.)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import FeatureUnion, Pipeline

from skhpt._typing import Estimator
from skhpt.fitting.cloning import own_params
from skhpt.fitting.failures import is_failure
from skhpt.fitting.slicing import is_read_only
from skhpt.identity import clone_key, is_estimator
from skhpt.reuse.draws import Draws, WithParams, always_draws, draws_of
from skhpt.reuse.inert import without_inert
from skhpt.reuse.keys import has_plain_parameters, is_uncertain, planning_copy, sharing_key, unique_key
from skhpt.reuse.scorer_needs import KNOWN_METRICS, Needs, ScorerNeeds, has_state, score_needs
from skhpt.reuse.settled import is_settled, members_are_known
from skhpt.reuse.submodels import SubModel, submodels_of

#: A sub-model and a key: one fit can serve all steps that have this pair in common.
GroupKey: TypeAlias = tuple[SubModel, Hashable]
#: Keys of estimators, by their class and all their parameters. Candidates of a round share this table.
KeyTable: TypeAlias = "dict[Hashable, StepKeys]"
#: Name of a branch, its estimator, and a key of the columns that it is fitted on.
Branch: TypeAlias = tuple[str, Estimator, Hashable]


class StepKeys(NamedTuple):
    """Keys of an estimator without the history of its input, and whether it is known to be settled."""

    key: Hashable
    group_keys: list[GroupKey]
    is_settled: bool


@dataclass(frozen=True)
class Step:
    """Part of an estimator that is fitted: a step, a branch, or the estimator itself.

    Attributes
    ----------
    path : str
        Parameter name of the step, such as ``clf`` or ``features__text``; empty for the estimator itself.
    estimator : estimator
        The step with the parameters of the candidate, not fitted.
    key : hashable
        Equal for steps whose fits are the same.
    group_keys : tuple of (SubModel, hashable)
        Sub-models that can serve this step. The key of each omits the parameters that the sub-model can
        change.
    parent : str or None
        Path of the step that contains this one, such as a `ColumnTransformer`; None on the chain from the
        data to the model.
    has_children : bool
        Whether the step contains other steps.
    is_settled : bool
        Whether the state of the fitted step is known to stay as it is when it transforms or predicts.
    """

    path: str
    estimator: Estimator
    key: Hashable
    group_keys: tuple[GroupKey, ...] = ()
    parent: str | None = None
    has_children: bool = False
    is_settled: bool = True

    @property
    def name(self) -> str:
        """Name of the step in reports."""
        return _name(self.path, self.estimator)


@dataclass(frozen=True)
class FitGraph:
    """Steps of a candidate's estimator, and reasons not to share their fits.

    Attributes
    ----------
    steps : tuple of Step
        In the order of their fits, branches before their union.
    names : dict of str to str
        Names, in reports, of the estimator and of all estimators inside it, by their paths.
    draws : Draws
        Possible draws from numpy's global generator.
    reason : str
        Why this candidate is fitted separately; empty if its fits can be shared.
    limits : tuple of str
        Why some of its steps are fitted separately.
    is_foreign : bool
        Whether a step may write to its input: anything but scikit-learn's own estimators.
    """

    steps: tuple[Step, ...]
    names: dict[str, str] = field(default_factory=dict)
    draws: Draws = field(default_factory=Draws)
    reason: str = ""
    limits: tuple[str, ...] = ()
    is_foreign: bool = False

    @property
    def chain(self) -> list[Step]:
        """Steps from the data to the model, without the steps inside them."""
        return [step for step in self.steps if step.parent is None]

    def outline(self) -> FitGraph:
        """Return the same graph without estimators and keys, which workers do not need."""
        return replace(
            self, steps=tuple(replace(step, estimator=None, key=None, group_keys=()) for step in self.steps)
        )

    def n_fits(self, path: str = "", without: Collection[str] = ()) -> int:
        """Count the steps without children at or below a path, except those at or below other paths."""
        n = 0
        for step in self.steps:
            if not step.has_children and is_in(step.path, path):
                n += not any(is_in(step.path, other) for other in without)
        return n


def is_in(path: str, whole: str) -> bool:
    """Tell whether the step at the path ``path`` is the step at the path ``whole`` or lies inside it."""
    return not whole or path == whole or path.startswith(f"{whole}__")


def fit_graphs(
    base: Estimator,
    candidates: Iterable[Mapping[str, Any]],
    close: bool = False,
    scorer: ScorerNeeds = KNOWN_METRICS,
) -> list[FitGraph]:
    """Return the fit graphs of several candidates, which are given by their parameters."""
    keys: KeyTable = {}
    return [fit_graph(base, params, close=close, scorer=scorer, keys=keys) for params in candidates]


def fit_graph(
    base: Estimator,
    params: Mapping[str, Any],
    close: bool = False,
    scorer: ScorerNeeds = KNOWN_METRICS,
    keys: KeyTable | None = None,
) -> FitGraph:
    """Return the fit graph of a candidate.

    Parameters
    ----------
    base : estimator
        The estimator of the search; it is not changed.
    params : dict
        Parameters of the candidate; they are not changed.
    close : bool, default=False
        Whether sub-models may be used whose predictions differ by rounding.
    scorer : ScorerNeeds, default=KNOWN_METRICS
        Needs of the scorer; by default, those of scikit-learn's metrics.
    keys : dict, default=None
        Keys of the steps of other candidates; those of new steps are added.
    """
    try:
        params = {name: planning_copy(value) for name, value in params.items()}
        estimator = planning_copy(base).set_params(**params)
        needs = max(scorer.needs, score_needs(estimator)) if scorer.calls_score else scorer.needs
        reader = _Reader(close, reads_models=needs >= Needs.MODEL, keys={} if keys is None else keys)
        steps = _with_own_model(reader.follow(estimator, path="", lineage=()), needs)
        shown = estimator.get_params(deep=True)
        nested = _nested_estimators(estimator, shown)
    except BaseException as error:
        if not is_failure(error, os.getpid()):
            raise
        # The fit of this candidate will raise the same error.
        return FitGraph((), reason="their parameters are not valid")
    draws = draws_of(nested, (submodel for step in steps for submodel, _ in step.group_keys))
    names = {path: _name(path, one, path in draws.unseeded) for path, (one, _) in nested.items()}
    return FitGraph(
        steps,
        names=names,
        draws=draws,
        reason=_reason_against_hidden(params, shown)
        or _reason_of(needs)
        or _reason_against_sharing(nested)
        or _reason_to_draw_alone(steps),
        limits=_limits(nested, names, needs),
        is_foreign=not is_read_only(estimator),
    )


def _with_own_model(steps: Iterable[Step], needs: Needs) -> tuple[Step, ...]:
    """Give each candidate a model of its own, if a scorer looks at models, or if the model might change.

    The model is the last step. A model that is not settled is shared only by a registered sub-model, which
    makes another view for each candidate.
    """
    *others, last = steps
    if needs >= Needs.MODEL or not last.is_settled:
        last = replace(last, key=unique_key())
    return (*others, last)


@dataclass(frozen=True)
class _Reader:
    """Reader of the steps of an estimator, from the data to the model.

    Parameters
    ----------
    close : bool
        Whether sub-models may be used whose predictions differ by rounding.
    reads_models : bool
        Whether a scorer reads parameters and attributes of fitted steps. Then steps are shared only if all
        their parameters are equal, and if nothing but their fit determines their attributes.
    keys : dict
        Keys of the steps of all candidates.
    """

    close: bool
    reads_models: bool
    keys: KeyTable

    def follow(self, estimator: Estimator, path: str, lineage: Hashable) -> Iterator[Step]:
        """Yield the steps of the chain, and the steps inside them, in the order of their fits.

        `lineage` is the key of all that the input went through.
        """
        if type(estimator) is Pipeline:
            *steps, (name, last) = estimator.steps
            for step in self.steps_of(steps, path, lineage, parent=None):
                yield step
                lineage = step.key if step.parent is None else lineage
            yield from self.follow(last, _join(path, name), lineage)
        elif type(estimator) is TransformedTargetRegressor and estimator.regressor is not None:
            others = {
                name: value for name, value in estimator.get_params(deep=False).items() if name != "regressor"
            }
            lineage = (lineage, "target", sharing_key(others))
            yield from self.follow(estimator.regressor, _join(path, "regressor"), lineage)
        elif _is_estimator(estimator):
            yield from self.step(estimator, path, lineage, parent=None)

    def steps_of(
        self, steps: Sequence[tuple[str, Any]], path: str, lineage: Hashable, *, parent: str | None
    ) -> Iterator[Step]:
        """Yield the steps of a pipeline, each with the key of the one before it as its lineage."""
        for name, estimator in steps:
            if _is_estimator(estimator):
                found = list(self.step(estimator, _join(path, name), lineage, parent=parent))
                yield from found
                lineage = found[-1].key

    def step(
        self, estimator: Estimator, path: str, lineage: Hashable, *, parent: str | None
    ) -> Iterator[Step]:
        """Yield the steps inside an estimator, if its class is known to contain some, and then its own step."""
        if type(estimator) is Pipeline:
            children = list(self.steps_of(estimator.steps, path, lineage, parent=path))
        else:
            children = list(self.branches(estimator, path, lineage))
        yield from children
        keys = self.keys_of(estimator)
        yield Step(
            path,
            estimator,
            key=(lineage, keys.key),
            group_keys=tuple((submodel, (lineage, group_key)) for submodel, group_key in keys.group_keys),
            parent=parent,
            has_children=bool(children),
            is_settled=keys.is_settled,
        )

    def branches(self, estimator: Estimator, path: str, lineage: Hashable) -> Iterator[Step]:
        """Yield the steps of the branches of a union."""
        branches_of = _UNIONS.get(type(estimator))
        for name, branch, columns in branches_of(estimator) if branches_of else ():
            if _is_estimator(branch):
                yield from self.step(branch, _join(path, name), (lineage, columns), parent=path)

    def keys_of(self, estimator: Estimator) -> StepKeys:
        """Return the keys of an estimator, without its inert parameters and without a lineage."""
        keys = self._shared_keys_of(estimator)
        if self.reads_models and not keys.is_settled:
            return keys._replace(key=unique_key())  # a scorer might move its state
        return keys

    def _shared_keys_of(self, estimator: Estimator) -> StepKeys:
        if not is_estimator(estimator) or not has_plain_parameters(estimator) or type(estimator) is Pipeline:
            return StepKeys(sharing_key(estimator), [], is_settled(estimator))
        kind = (type(estimator), clone_key(estimator))
        params = {name: sharing_key(value) for name, value in own_params(estimator).items()}
        all_params = (kind, frozenset(params.items()))
        if all_params not in self.keys:
            if hasattr(estimator, "_parameter_constraints"):
                estimator._validate_params()
            if self.reads_models:
                self.keys[all_params] = StepKeys(all_params, [], is_settled(estimator))
            else:
                self.keys[all_params] = self._new_keys(estimator, kind, params)
        return self.keys[all_params]

    def _new_keys(self, estimator: Estimator, kind: Hashable, params: dict[str, Hashable]) -> StepKeys:
        params = {name: params[name] for name in without_inert(estimator)}
        group_keys: list[GroupKey] = []
        for submodel in submodels_of(estimator) if members_are_known(estimator) else ():
            if self.close or not submodel.is_close:
                fixed = frozenset(
                    (name, key) for name, key in params.items() if name not in submodel.parameters
                )
                group_keys.append((submodel, (kind, fixed)))
        return StepKeys((kind, frozenset(params.items())), group_keys, is_settled(estimator))


def _is_estimator(step: Any) -> bool:
    return step is not None and not isinstance(step, str)  # "passthrough", "drop"


def _branches_of_feature_union(union: FeatureUnion) -> list[Branch]:
    return [(name, branch, ()) for name, branch in union.transformer_list]


def _branches_of_column_transformer(union: ColumnTransformer) -> list[Branch]:
    return [(name, branch, sharing_key(columns)) for name, branch, columns in union.transformers]


def _branches_of_voting(union: VotingClassifier | VotingRegressor) -> list[Branch]:
    return [(name, branch, ()) for name, branch in union.estimators]


#: Functions that return the branches of estimators that fit several others on the same data.
_UNIONS: dict[type, Callable[[Any], list[Branch]]] = {
    FeatureUnion: _branches_of_feature_union,
    ColumnTransformer: _branches_of_column_transformer,
    VotingClassifier: _branches_of_voting,
    VotingRegressor: _branches_of_voting,
}


def _join(path: str, name: str) -> str:
    return f"{path}__{name}" if path else name


def _name(path: str, estimator: Estimator, is_unseeded: bool = False) -> str:
    name = f"{path}: {type(estimator).__name__}" if path else type(estimator).__name__
    return f"{name} without random_state" if is_unseeded else name


def _nested_estimators(estimator: Estimator, params: Mapping[str, Any]) -> dict[str, WithParams]:
    """Return an estimator and all estimators among its parameters, by their paths."""
    values = {"": estimator} | dict(params)
    return {path: (one, own_params(one)) for path, one in values.items() if hasattr(one, "get_params")}


def _reason_of(needs: Needs) -> str:
    """Return why candidates whose own ``score`` has such needs cannot share fits."""
    return "their own method score may keep state or change the model" if needs == Needs.EVERYTHING else ""


def _limits(nested: Mapping[str, WithParams], names: Mapping[str, str], needs: Needs) -> tuple[str, ...]:
    """Return why steps among these estimators are fitted separately for each candidate."""
    limits = []
    for path, (estimator, _) in nested.items():
        if is_uncertain(estimator):
            limits.append(f"get_params of {names[path]} might not show all of its settings")
    if needs == Needs.MODEL:
        limits.append("the scorer reads the model, which is therefore fitted for each candidate")
    return tuple(limits)


def _reason_against_hidden(params: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """Return why the fits of a candidate are not certain: ``get_params`` does not show what was set."""
    for name, value in params.items():
        if name not in shown or shown[name] is not value:
            return f"get_params does not show the value of {name} that was set"
    return ""


def _reason_to_draw_alone(steps: Iterable[Step]) -> str:
    """Return why numbers that steps are known to draw must not be shared; an empty string if there are none."""
    for step in steps:
        if always_draws(step.estimator):
            return f"{_name(step.path, step.estimator, is_unseeded=True)} draws from numpy's global generator"
    return ""


def _reason_against_sharing(nested: Mapping[str, WithParams]) -> str:
    """Return why fits of these estimators cannot be shared; an empty string if they can."""
    for estimator, params in nested.values():
        if isinstance(estimator, Pipeline) and estimator.memory is not None:
            return "their pipeline has a memory"
        if isinstance(estimator, Pipeline) and getattr(estimator, "transform_input", None):
            return "their pipeline has transform_input"
        if type(estimator) in _UNIONS and params.get("n_jobs") not in (None, 1):
            return "their branches are fitted in parallel"
        if has_state(params.get("scoring")):
            return "a scorer inside them may keep state"
        if any("copy" in name and value is False for name, value in params.items()):
            return "a step writes to its input (copy=False)"
    return ""
