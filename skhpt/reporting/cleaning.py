"""Results without characters that no page can contain, in names that pictures show and that tables look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from skhpt._html import clean
from skhpt.inspection.search_data import SearchData
from skhpt.trial import FoldScore, Score, Trial


def cleaned(data: SearchData) -> SearchData:
    """Return a search with printable texts; itself if all of its texts are printable."""
    if clean(_texts(data)) == _texts(data):
        return data
    return replace(
        data,
        label=clean(data.label),
        search=clean(data.search),
        trials=[_cleaned_trial(trial) for trial in data.trials],
        params=[_cleaned_keys(params) for params in data.params],
        metrics=[clean(name) for name in data.metrics],
        metric=clean(data.metric),
        space=[
            {clean(name): replace(s, choices=tuple(map(_cleaned, s.choices))) for name, s in branch.items()}
            for branch in data.space
        ],
        resource=clean(data.resource),
    )


def _texts(data: SearchData) -> str:
    """Return all texts of a search that pictures show."""
    texts = {data.label, data.search, data.resource, *data.metrics}
    for params in [*data.params, *data.space]:
        for name, value in params.items():
            texts |= {name, value} if isinstance(value, str) else {name, *getattr(value, "choices", ())}
    return "\n".join(sorted(text for text in texts if isinstance(text, str)))


def _cleaned(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


def _cleaned_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    return {clean(name): _cleaned(value) for name, value in values.items()}


def _cleaned_trial(trial: Trial) -> Trial:
    candidate = replace(trial.candidate, params=_cleaned_keys(trial.candidate.params))
    return Trial(candidate, tuple(_cleaned_fold(fold) for fold in trial.folds))


def _cleaned_fold(fold: FoldScore) -> FoldScore:
    return replace(
        fold, test_score=_cleaned_score(fold.test_score), train_score=_cleaned_score(fold.train_score)
    )


def _cleaned_score(score: Score | None) -> Score | None:
    return {clean(name): value for name, value in score.items()} if isinstance(score, dict) else score
