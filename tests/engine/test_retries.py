"""Which candidate is given up when a worker is lost, and which ones are tried again."""

import time

from skhpt.engine.in_flight import SubmittedTask
from skhpt.engine.retries import RetryPolicy
from skhpt.engine.shared_tasks import SharedTask
from skhpt.engine.tasks import Task
from skhpt.parallel.channels import Begun, TaskUpdate
from skhpt.trial import Candidate, FoldScore

TWO = [Candidate(3, {}), Candidate(4, {})]
SPLIT = 2


def decide(policy, *, lost="crashed", n_deaths=1, candidates=TWO, current=3, task=Task, is_isolated=False):
    """Return the ids and states of the candidates that are given up, and the ids of the others."""
    begun = None if current is None else Begun(current, time.monotonic(), "1234")
    submitted = SubmittedTask(task(SPLIT, candidates, is_isolated=is_isolated), begun=begun)
    failed, retried = policy.decide(TaskUpdate(0, is_done=True, lost=lost, n_deaths=n_deaths), submitted)
    assert all(score.split == SPLIT for score in failed)
    assert all(task.split == SPLIT and task.is_isolated == (lost == "cancelled") for task in retried)
    return [(score.candidate, score.state) for score in failed], [
        c.id for task in retried for c in task.candidates
    ]


def test_the_candidate_that_was_being_evaluated_is_given_up_after_max_retries_deaths():
    policy = RetryPolicy(max_retries=2)
    assert decide(policy) == ([], [3, 4])
    assert decide(policy, current=4) == ([], [3, 4])
    assert decide(policy) == ([(3, "crashed")], [4])


def test_the_end_of_a_shared_pool_counts_once():
    policy = RetryPolicy(max_retries=2)
    assert decide(policy, n_deaths=0) == ([], [3, 4])
    assert decide(policy, n_deaths=0) == ([], [3, 4])
    assert decide(policy) == ([(3, "crashed")], [4])  # suspected once, certain once


def test_no_candidate_is_to_blame_for_a_task_that_has_not_begun():
    policy = RetryPolicy(max_retries=1)
    assert decide(policy, n_deaths=0, current=None) == ([], [3, 4])
    assert decide(policy, n_deaths=1, current=None) == ([], [3, 4])
    assert decide(policy, lost="cancelled", n_deaths=0, candidates=TWO[:1]) == ([], [3])
    assert policy.n_retries == 0


def test_the_only_candidate_of_a_task_is_to_blame():
    assert decide(RetryPolicy(max_retries=1), candidates=TWO[1:], current=None) == ([(4, "crashed")], [])


def test_a_cancelled_candidate_is_to_blame_only_if_it_was_isolated():
    policy = RetryPolicy(max_retries=1)
    assert decide(policy, lost="cancelled", candidates=TWO[:1]) == ([], [3])
    assert decide(policy, lost="cancelled", candidates=TWO[:1], is_isolated=True) == ([(3, "crashed")], [])


def test_candidates_that_share_fits_are_tried_again_separately():
    policy = RetryPolicy(max_retries=1, fit_timeout=7.0)
    assert decide(policy, task=SharedTask) == ([], [3, 4])
    assert decide(policy, lost="timeout", n_deaths=0, task=SharedTask) == ([], [3, 4])


def test_a_fit_that_takes_too_long_is_not_tried_again():
    policy = RetryPolicy(fit_timeout=7.0)
    assert decide(policy, lost="timeout", n_deaths=0) == ([(3, "timeout")], [4])
    [score], _ = policy.decide(
        TaskUpdate(0, lost="timeout"), SubmittedTask(Task(SPLIT, TWO), begun=Begun(3, 0.0))
    )
    assert (score.fit_time, score.test_score) == (7.0, None)
    assert "fit_timeout=7.0 seconds" in score.error


def test_the_other_folds_of_a_candidate_that_is_given_up_are_not_evaluated():
    policy = RetryPolicy(max_retries=1)
    decide(policy)
    [score] = policy.fail(Task(5, TWO))
    assert (score.candidate, score.split, score.state) == (3, 5, "crashed")
    assert "max_retries=1" in score.error


def test_retries_are_counted():
    policy = RetryPolicy()
    decide(policy)
    assert policy.n_retries == 1
    assert policy.with_retry_count(FoldScore(3, SPLIT, 0.5)).retries == 1
    assert policy.with_retry_count(FoldScore(4, SPLIT, 0.5)).retries == 0


def test_folds_that_are_given_up_have_times_and_the_worker_that_was_lost():
    now, at = time.time(), time.monotonic() - 3
    submitted = SubmittedTask(Task(SPLIT, TWO[:1]), begun=Begun(3, at, "1234"))
    policy = RetryPolicy(max_retries=1, fit_timeout=2.0)
    [timeout], _ = policy.decide(TaskUpdate(0, lost="timeout"), submitted)
    [crash], _ = policy.decide(TaskUpdate(0, lost="crashed", n_deaths=1), submitted)
    for score in (timeout, crash):
        assert score.worker == "1234"
        assert score.ended >= now
        assert score.ended - score.started >= 3 - 1e-3
    [never] = policy.fail(Task(SPLIT, TWO[:1]))
    assert (never.worker, never.ended - never.started) == ("", 0)
    assert never.ended >= now
