"""Limits of the fits that workers keep, and the lifetime of their data."""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from skhpt import GridSearch
from skhpt.parallel import backends
from skhpt.parallel.channels import NullInbox, work
from tests.reuse.comparison import (
    CLASSES,
    COLUMN_TRANSFORMER,
    FOREST,
    assert_same_scores,
    pipe,
)


@pytest.mark.parametrize("limit", [0, 5000, None])
def test_a_small_cache_costs_fits_but_changes_no_score(limit: float | None) -> None:
    search = assert_same_scores(COLUMN_TRANSFORMER, reuse_memory=limit)
    if limit is None:
        assert search.reuse_report_.n_fits == search.reuse_report_.plan.n_fits
    else:
        assert search.reuse_report_.n_fits > search.reuse_report_.plan.n_fits


@pytest.mark.parametrize("reuse", ["exact", False])
def test_a_task_holds_its_data_no_longer_than_it_runs(monkeypatch: pytest.MonkeyPatch, reuse: Any) -> None:
    """A reference cycle would keep the data, and thus joblib's memory map, for which the search waits."""
    sent = []

    def make_batch(backend: Any, function: Any, args: Any, **options: Any) -> Any:
        sent.append(pickle.dumps((function, args)))
        return original_make_batch(backend, function, args, **options)

    original_make_batch = backends.make_batch
    monkeypatch.setattr(backends, "make_batch", make_batch)
    X, y = CLASSES
    GridSearch(pipe(StandardScaler(), FOREST), {"b__n_estimators": [1, 2]}, cv=3, n_jobs=2, reuse=reuse).fit(
        X, y
    )
    function, args = pickle.loads(sent[0])
    copies = [weakref.ref(arg) for arg in args if isinstance(arg, np.ndarray) and arg.shape == X.shape]
    assert len(copies) == 1
    gc.disable()
    try:
        work(function, NullInbox().channel(0), *args)
        del args
        assert copies[0]() is None
    finally:
        gc.enable()
