"""Laws that every strategy must obey."""

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
from skhpt.trial import FoldScore, Trial

SPACE = Space({"x": stats.uniform(), "k": stats.randint(0, 4), "c": ["a", "b"]})
LADDER = Plan("epochs", 9, 1, ladder(26, [1, 3, 9], 1, 3, 9), continues=True)
HYPERBAND = Plan("epochs", 9, 1, hyperband(None, [1, 3, 9], 1, 3), continues=True)


def proposed(n, known, prior):
    """Points that follow from the trials that are known."""
    return SPACE.sample(n, len(known), unique=True)


MAKERS = {
    "grid": lambda history: FixedList(untried(SPACE.grid(2), history), len(history)),
    "random": lambda history: FixedList(untried(SPACE.sample(9, 0), history), len(history)),
    "sobol": lambda history: FixedList(untried(SPACE.sample(9, 0, method="sobol"), history), len(history)),
    "bayes": lambda history: BayesianOptimization(SPACE, 8, SPACE.sample(3, 0, method="sobol"), None, 0),
    "bayes, 3 pending": lambda history: BayesianOptimization(
        SPACE, 9, SPACE.sample(3, 0, method="sobol"), None, 0, max_pending=3
    ),
    "ladder": lambda history: Hyperband(LADDER, SPACE.sample(26, 0)),
    "ladder, proposals": lambda history: Hyperband(LADDER, SPACE.sample(26, 0), propose=proposed),
    "hyperband": lambda history: Hyperband(HYPERBAND, SPACE.sample(17, 0)),
    "nothing": lambda history: FixedList([]),
}
LIMIT = 200
scores = st.floats(-10, 10) | st.sampled_from([float("nan"), float("inf"), -float("inf")])


def fold(candidate, value):
    failed = value != value
    return FoldScore(candidate.id, 0, None if failed else value, state="failed" if failed else "ok")


def play(strategy, draw, history=None, choose=lambda n: 0):
    """Ask and answer with drawn scores until the strategy is done; yield the history before each answer.

    `choose` says which of the lanes comes next.
    """
    history = History() if history is None else history
    for _ in range(LIMIT):
        before = list(history)
        candidates = strategy.ask(history)
        assert strategy.ask(history) == candidates  # asking twice gives the same answer
        assert list(history) == before  # and changes nothing
        assert [c.id for c in candidates] == list(range(len(history), len(history) + len(candidates)))
        assert all(SPACE.contains(c.params) for c in candidates)
        history.add(candidates)
        yield history
        if history.n_finished == len(history):
            return
        heads = history.next_to_finish
        candidate = heads[choose(len(heads))]
        history.finish_next(candidate.preset_folds or [fold(candidate, draw(candidate))], candidate.bracket_id)
    pytest.fail(f"no end after {LIMIT} trials")


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=10)
@given(data=st.data())
def test_any_scores(name, data):
    strategy = MAKERS[name](History())
    for _ in play(strategy, lambda candidate: data.draw(scores), None, lambda n: data.draw(st.integers(0, n - 1))):
        pass


@pytest.mark.parametrize("name", MAKERS)
def test_it_depends_on_the_history_alone(name):
    for history in play(MAKERS[name](History()), some_score):
        again = deepcopy(history)
        assert MAKERS[name](History()).ask(again) == MAKERS[name](History()).ask(history)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=5)
@given(n=st.integers(0, 9))
def test_resuming_ends_where_an_undisturbed_run_ends(name, n):
    *_, whole = play(MAKERS[name](History()), some_score)
    known = History(whole.finished[:n])
    *_, resumed = play(MAKERS[name](known), some_score, known)
    assert by_name(resumed) == by_name(whole)


@pytest.mark.parametrize("name", MAKERS)
def test_lanes_do_not_depend_on_each_other(name):
    *_, one = play(MAKERS[name](History()), some_score)
    *_, other = play(MAKERS[name](History()), some_score, None, lambda n: n - 1)
    assert by_name(one) == by_name(other)


def some_score(candidate):
    """A score that depends on what is scored, not on when."""
    return crc32(repr((candidate.params, candidate.resource)).encode()) / 2**32


def by_name(history):
    """What was tried, in the order of the ids, or of the names that a strategy has for its candidates."""
    tried = [(trial.candidate.params, trial.candidate.resource, trial.candidate.info) for trial in history]
    named = all("rung" in note for _, _, note in tried)
    return sorted(tried, key=lambda row: (row[2]["rung"], row[2]["candidate_id"])) if named else tried


def test_untried_counts_how_often_a_point_was_tried():
    points = [{"a": 1}, {"a": True}, {"a": 1}, {"a": 2}]
    history = History([Trial(candidate) for candidate in FixedList([{"a": 1}, {"a": 3}]).ask(History())])
    assert list(map(repr, untried(points, history))) == ["{'a': True}", "{'a': 1}", "{'a': 2}"]
