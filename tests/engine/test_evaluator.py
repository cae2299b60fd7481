"""The evaluator: every fold comes back once, tasks have a sensible size, a lost worker costs few folds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import KFold

from skhpt.engine.evaluator import PoolEvaluator
from skhpt.fitting.job import NullObserver, Outcome, Setup
from skhpt.parallel.channels import Begun, TaskUpdate
from skhpt.parallel.pool import Pool
from skhpt.reuse.planner import ReusePlanner
from skhpt.reuse.shared_evaluation import SharingPolicy
from skhpt.trial import Candidate, FoldScore
from tests.estimators import Null


def make(iris, n_splits=3, **setup):
    splits = list(KFold(n_splits).split(iris[0]))
    return PoolEvaluator(
        Pool(), Setup(Null(), check_scoring(Null()), **setup), X=iris[0], y=iris[1], splits=splits
    )


def collect_all(evaluator):
    folds = []
    while scores := evaluator.wait_for_folds():
        folds += scores
    return folds


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_every_fold_comes_back_once(iris, backend):
    with parallel_config(backend, n_jobs=2), make(iris) as evaluator:
        evaluator.submit([Candidate(i, {"value": i}) for i in range(40)])
        evaluator.submit([Candidate(40, {"value": 0})])
        folds = collect_all(evaluator)
        assert sorted((fold.candidate, fold.split) for fold in folds) == [
            (i, s) for i in range(41) for s in range(3)
        ]
        assert evaluator.wait_for_folds() == []


def test_one_worker_evaluates_candidate_by_candidate(iris):
    with make(iris) as evaluator:
        evaluator.submit([Candidate(i, {}) for i in range(3)])
        assert [(f.candidate, f.split) for f in collect_all(evaluator)] == [
            (i, s) for i in range(3) for s in range(3)
        ]


class FakePool:
    """Records what is submitted; a task takes the given time per fold."""

    n_slots, is_serial, task_seconds = 2, False, 0.1
    works_in_background = True

    def __init__(self, seconds):
        self.seconds = seconds
        self.sizes = []
        self.queue = []
        self.n_submitted = 0

    @property
    def n_pending(self):
        return len(self.queue)

    n_free = float("inf")  # pre_dispatch="all"

    def submit(self, function, X, y, setup, split, train, test, jobs):
        self.sizes.append(len(jobs))
        scores = [FoldScore(job.candidate.id, split, 0.0, None, self.seconds) for job in jobs]
        self.queue.append(TaskUpdate(self.n_submitted, is_done=True, result=Outcome(split, scores)))
        self.n_submitted += 1
        return self.queue[-1].task_id

    def wait(self, seconds=None):
        return [self.queue.pop(0)]


@given(st.sampled_from([0.0, 0.001, 0.01, 1.0]), st.integers(1, 300))
def test_short_fits_are_sent_together_and_long_ones_separately(seconds, n):
    fake = FakePool(seconds)
    evaluator = PoolEvaluator(
        fake, Setup(Null(), None), X=np.zeros((4, 1)), y=None, splits=[([0], [1]), ([1], [0])]
    )
    evaluator.submit([Candidate(i, {}) for i in range(n)])
    folds = []
    while len(folds) < 2 * n:
        folds += evaluator.wait_for_folds()
    assert sorted((fold.candidate, fold.split) for fold in folds) == [
        (i, s) for i in range(n) for s in range(2)
    ]
    assert fake.sizes[:4] == [1] * min(4, 2 * n)  # the duration is not known yet
    assert max(fake.sizes) <= max(1, 0.1 / max(seconds, 1e-9))
    if seconds < 0.1 and n > 100:
        assert max(fake.sizes) >= 10


def test_verbose_prints_the_number_of_fits(iris, capsys):
    with make(iris, verbose=1) as evaluator:
        evaluator.submit([Candidate(0, {}), Candidate(1, {})])
        collect_all(evaluator)
    assert capsys.readouterr().out == "Fitting 3 folds for each of 2 candidates, totalling 6 fits\n"


def test_each_fold_has_its_observer(iris):
    observed = []
    splits = list(KFold(2).split(iris[0]))

    def observe(candidate, split, has_begun):
        observed.append((candidate.id, split))
        return NullObserver()

    with PoolEvaluator(
        Pool(), Setup(Null(), check_scoring(Null())), X=iris[0], y=iris[1], splits=splits, observe=observe
    ) as evaluator:
        evaluator.submit([Candidate(0, {}), Candidate(1, {})])
        collect_all(evaluator)
    assert observed == [(0, 0), (0, 1), (1, 0), (1, 1)]


class UnreliablePool:
    """Cancels all pending tasks if one of them has the fatal candidate, as Dask does."""

    n_slots, is_serial, task_seconds = 2, False, 0.1
    works_in_background = True
    n_free = float("inf")

    def __init__(self, fatal):
        self.fatal = fatal
        self.queue = []
        self.n_submitted = 0

    @property
    def n_pending(self):
        return len(self.queue)

    def submit(self, function, X, y, setup, split, train, test, jobs):
        self.queue.append((self.n_submitted, split, [job.candidate.id for job in jobs]))
        self.n_submitted += 1
        return self.n_submitted - 1

    def wait(self, seconds=None):
        queue, self.queue = self.queue, []
        if any(self.fatal in ids for _, _, ids in queue):
            return [
                TaskUpdate(task_id, is_done=True, lost="cancelled", n_deaths=4) for task_id, _, _ in queue
            ]
        outcomes = [
            (task_id, Outcome(split, [FoldScore(i, split, 0.0) for i in ids]))
            for task_id, split, ids in queue
        ]
        return [TaskUpdate(task_id, is_done=True, result=outcome) for task_id, outcome in outcomes]


class ImpatientPool:
    """Kills each task that has the large candidate, shared or not."""

    n_slots, task_seconds = 1, 0.1
    is_serial, works_in_background = False, True
    n_free = float("inf")
    n_pending = 0

    def __init__(self):
        self.queue = []
        self.tasks = []
        self.n_submitted = 0

    def submit(self, function, X, y, setup, split, train, test, jobs, *shared):
        self.queue.append((self.n_submitted, split, [job.candidate.id for job in jobs]))
        self.tasks.append(self.queue[-1][-1])
        self.n_submitted += 1
        return self.n_submitted - 1

    def wait(self, seconds=None):
        queue, self.queue = self.queue, []
        return [
            TaskUpdate(task_id, [Begun(ids[0], 0.0)], is_done=True, lost="timeout")
            if LARGE in ids
            else TaskUpdate(
                task_id, is_done=True, result=Outcome(split, [FoldScore(i, split, 0.0) for i in ids])
            )
            for task_id, split, ids in queue
        ]


LARGE = 2


@pytest.mark.parametrize("error_score", [np.nan, "raise"])
def test_candidates_that_share_fits_with_one_that_takes_too_long_are_evaluated_separately(error_score):
    forest = RandomForestClassifier(random_state=0)
    setup = Setup(forest, check_scoring(forest), error_score=error_score)
    pool, splits = ImpatientPool(), [([0, 1], [2]), ([1, 2], [0])]
    evaluator = PoolEvaluator(
        pool,
        setup,
        X=np.zeros((4, 1)),
        y=np.array([0, 1, 0, 1]),
        splits=splits,
        reuse=ReusePlanner(SharingPolicy()),
    )
    evaluator.submit([Candidate(i, {"n_estimators": n}) for i, n in enumerate([5, 10, 9999])])
    if error_score == "raise":
        with pytest.raises(TimeoutError, match="the fit was stopped after"):
            collect_all(evaluator)
        return
    folds = collect_all(evaluator)
    assert max(len(ids) for ids in pool.tasks) == 3  # they shared fits at first
    assert {(fold.candidate, fold.state) for fold in folds} == {(0, "ok"), (1, "ok"), (LARGE, "timeout")}


@given(st.integers(1, 30), st.data())
def test_only_the_candidate_that_kills_workers_is_given_up(n, data):
    fatal = data.draw(st.integers(0, n - 1))
    evaluator = PoolEvaluator(
        UnreliablePool(fatal),
        Setup(Null(), None),
        X=np.zeros((4, 1)),
        y=None,
        splits=[([0], [1]), ([1], [0])],
    )
    evaluator.submit([Candidate(i, {}) for i in range(n)])
    folds = []
    while len(folds) < 2 * n:
        folds += evaluator.wait_for_folds()
    assert sorted((fold.candidate, fold.split) for fold in folds) == [
        (i, s) for i in range(n) for s in range(2)
    ]
    assert {(fold.candidate, fold.state) for fold in folds if fold.state != "ok"} == {(fatal, "crashed")}
