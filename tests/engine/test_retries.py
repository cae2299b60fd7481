"""Who is to blame when a worker is lost, and what becomes of the others."""

from skhpt.engine.retries import RetryPolicy
from skhpt.parallel.channels import TaskUpdate
from skhpt.trial import Candidate, FoldScore

LEFT = [Candidate(3, {}), Candidate(4, {})]


def decide(retry_policy, lost="crashed", n_deaths=1, left=LEFT, at=3):
    given_up, again = retry_policy.decide(TaskUpdate(0, is_done=True, lost=lost, n_deaths=n_deaths), left, at, split=2)
    return [(score.candidate, score.split, score.state) for score in given_up], [one.id for one in again]


def test_the_one_that_was_evaluated_is_given_up_after_so_many_deaths():
    retry_policy = RetryPolicy(max_retries=2)
    assert decide(retry_policy) == ([], [3, 4])
    assert decide(retry_policy, at=4) == ([], [3, 4])
    assert decide(retry_policy) == ([(3, 2, "crashed")], [4])


def test_a_shared_pool_makes_suspects_only():
    retry_policy = RetryPolicy(max_retries=2)
    assert decide(retry_policy, n_deaths=0) == ([], [3, 4])
    assert decide(retry_policy, n_deaths=0) == ([], [3, 4])
    assert decide(retry_policy) == ([(3, 2, "crashed")], [4])  # once under suspicion, once for certain


def test_nobody_is_to_blame_for_a_task_that_has_not_begun():
    retry_policy = RetryPolicy(max_retries=1)
    assert decide(retry_policy, n_deaths=0, at=None) == ([], [3, 4])
    assert decide(retry_policy, n_deaths=1, at=None) == ([], [3, 4])
    assert decide(retry_policy, "cancelled", n_deaths=0, left=LEFT[:1]) == ([], [3])
    assert retry_policy.n_retries == 0


def test_a_task_of_one_candidate_is_that_candidates():
    assert decide(RetryPolicy(max_retries=1), left=LEFT[1:], at=None) == ([(4, 2, "crashed")], [])


def test_a_fit_that_takes_too_long_gets_no_second_chance():
    retry_policy = RetryPolicy(fit_timeout=7.0)
    assert decide(retry_policy, "timeout", n_deaths=0) == ([(3, 2, "timeout")], [4])
    (score,), _ = retry_policy.decide(TaskUpdate(0, lost="timeout"), LEFT, 3, 2)
    assert (score.fit_time, score.test_score) == (7.0, None)
    assert "fit_timeout=7.0 seconds" in score.error


def test_retries_are_counted():
    retry_policy = RetryPolicy()
    decide(retry_policy)
    assert retry_policy.n_retries == 1
    assert retry_policy.with_retry_count(FoldScore(3, 2, 0.5)).retries == 1
    assert retry_policy.with_retry_count(FoldScore(4, 2, 0.5)).retries == 0
