"""The contract of strategies: laws that every strategy must obey.

A new strategy joins `STRATEGIES`, with a function that makes it for a history. All tests of this module then
run with it. The rules are in the documentation of `skhpt.strategies.base.Strategy.ask`. The function makes a
strategy whose points lie in `SPACE`, and which is done after at most `MAX_TRIALS` trials.
"""

from copy import deepcopy
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skhpt import Space
from skhpt.history import History
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.strategies.fixed_list import FixedList, untried
from skhpt.strategies.hyperband import Hyperband
from skhpt.strategies.schedule import Plan, hyperband, ladder
from skhpt.trial import Candidate, FoldScore, Trial

SPACE = Space({"x": stats.uniform(), "k": stats.randint(0, 4), "c": ["a", "b"]})
MAX_TRIALS = 200
LADDER = Plan("epochs", 9, 1, ladder(26, [1, 3, 9], n_splits=1, factor=3, largest=9), continues=True)
HYPERBAND = Plan("epochs", 9, 1, hyperband(None, [1, 3, 9], n_splits=1, factor=3), continues=True)


def points(n=9, method="random"):
    return SPACE.sample(n, 0, method=method)


def proposals(n, known, prior):
    """Points that depend on the number of known trials."""
    return SPACE.sample(n, len(known), unique=True)


#: By name: a function ``make(history)`` that returns a strategy for a search that begins with a history.
STRATEGIES = {
    "empty list": lambda history: FixedList([]),
    "grid": lambda history: FixedList(untried(SPACE.grid(2), history), len(history)),
    "random": lambda history: FixedList(untried(points(), history), len(history)),
    "sobol": lambda history: FixedList(untried(points(method="sobol"), history), len(history)),
    "bayes": lambda history: BayesianOptimization(SPACE, 8, points(3, "sobol"), seed=0),
    "bayes, 3 pending": lambda history: BayesianOptimization(
        SPACE, 9, points(3, "sobol"), seed=0, max_pending=3
    ),
    "bayes, cost-aware": lambda history: BayesianOptimization(
        SPACE, 8, points(3, "sobol"), seed=0, cost_aware=True
    ),
    "ladder": lambda history: Hyperband(LADDER, points(26)),
    "ladder, proposals": lambda history: Hyperband(LADDER, points(26), propose=proposals),
    "hyperband": lambda history: Hyperband(HYPERBAND, points(17)),
}
any_score = st.floats(-10, 10) | st.sampled_from([float("nan"), float("inf"), -float("inf")])
for_every_strategy = pytest.mark.parametrize("make", STRATEGIES.values(), ids=STRATEGIES)


def run(strategy, score, history=None, choose=lambda n: 0):
    """Run a strategy until it is done, and yield the history after each question; check each answer.

    ``score(candidate)`` returns the score of a trial. ``choose(n)`` says which of the n brackets with a
    pending trial is next.
    """
    history = History() if history is None else history
    for _ in range(MAX_TRIALS):
        before = list(history)
        candidates = strategy.ask(history)
        assert strategy.ask(history) == candidates  # a second question has the same answer
        assert list(history) == before  # the history does not change
        assert [c.id for c in candidates] == list(range(len(history), len(history) + len(candidates)))
        assert all(SPACE.contains(c.params) for c in candidates)
        history.add(candidates)
        yield history
        if history.n_finished == len(history):
            return
        heads = history.next_to_finish
        candidate = heads[choose(len(heads))]
        folds = candidate.preset_folds or [fold_of(candidate, score(candidate))]
        history.finish_next(folds, candidate.bracket_id)
    pytest.fail(f"not done after {MAX_TRIALS} trials")


def fold_of(candidate, score):
    has_failed = score != score
    state = "failed" if has_failed else "ok"
    return FoldScore(candidate.id, 0, None if has_failed else score, fit_time=1.0 + candidate.id, state=state)


def score_of(candidate):
    """A score that depends on the candidate, not on the time of its evaluation."""
    return crc32(repr((candidate.params, candidate.resource)).encode()) / 2**32


def evaluated(history):
    """What was evaluated, in the order of the ids, or by rung and number if a strategy numbers its candidates."""
    rows = [(trial.candidate.params, trial.candidate.resource, trial.candidate.info) for trial in history]
    if all("rung" in info for _, _, info in rows):
        rows.sort(key=lambda row: (row[2]["rung"], row[2]["candidate_id"]))
    return rows


@for_every_strategy
@settings(max_examples=10)
@given(data=st.data())
def test_any_scores_in_any_order_of_brackets_lead_to_the_end(make, data):
    strategy = make(History())
    for history in run(
        strategy, lambda candidate: data.draw(any_score), choose=lambda n: data.draw(st.integers(0, n - 1))
    ):
        assert strategy.n_candidates is None or len(history) <= strategy.n_candidates


@for_every_strategy
def test_the_answer_depends_on_the_history_alone(make):
    for history in run(make(History()), score_of):
        assert make(History()).ask(deepcopy(history)) == make(History()).ask(history)


@for_every_strategy
def test_trials_from_other_folds_count_only_for_strategies_that_say_so(make):
    prior = [Trial(Candidate(i, params), (FoldScore(i, 0, float(i)),)) for i, params in enumerate(points(5))]
    for history in run(make(History()), score_of):
        with_prior = deepcopy(history)
        with_prior.prior = tuple(prior)
        strategy = make(History())
        assert strategy.uses_prior or strategy.ask(with_prior) == strategy.ask(history)


@for_every_strategy
@settings(max_examples=5)
@given(n=st.integers(0, 9))
def test_a_resumed_search_ends_like_an_undisturbed_one(make, n):
    *_, undisturbed = run(make(History()), score_of)
    beginning = History(undisturbed.finished[:n])
    *_, resumed = run(make(beginning), score_of, beginning)
    assert evaluated(resumed) == evaluated(undisturbed)


@for_every_strategy
def test_brackets_do_not_depend_on_the_order_in_which_they_finish(make):
    *_, first = run(make(History()), score_of, choose=lambda n: 0)
    *_, last = run(make(History()), score_of, choose=lambda n: n - 1)
    assert evaluated(first) == evaluated(last)
