"""Laws that every strategy must obey."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skhpt import Space
from skhpt.strategies.bayes import Bayes
from skhpt.strategies.listed import Listed, untried
from skhpt.trial import FoldScore, History, Trial

SPACE = Space({"x": stats.uniform(), "k": stats.randint(0, 4), "c": ["a", "b"]})
MAKERS = {
    "grid": lambda history: Listed(untried(SPACE.grid(2), history), len(history)),
    "random": lambda history: Listed(untried(SPACE.sample(9, 0), history), len(history)),
    "sobol": lambda history: Listed(untried(SPACE.sample(9, 0, method="sobol"), history), len(history)),
    "bayes": lambda history: Bayes(SPACE, 8, SPACE.sample(3, 0, method="sobol"), None, 0),
    "bayes, 3 pending": lambda history: Bayes(SPACE, 9, SPACE.sample(3, 0, method="sobol"), None, 0, max_pending=3),
    "nothing": lambda history: Listed([]),
}
LIMIT = 200
scores = st.floats(-10, 10) | st.sampled_from([float("nan"), float("inf"), -float("inf")])


def fold(candidate, value):
    failed = value != value
    return FoldScore(candidate.id, 0, None if failed else value, state="failed" if failed else "ok")


def play(strategy, draw, history=None):
    """Ask and answer with drawn scores until the strategy is done; yield the history before each answer."""
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
        history.finish_next([fold(history[history.n_finished].candidate, draw())])
    pytest.fail(f"no end after {LIMIT} trials")


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=10)
@given(data=st.data())
def test_any_scores(name, data):
    for _ in play(MAKERS[name](History()), lambda: data.draw(scores)):
        pass


@pytest.mark.parametrize("name", MAKERS)
def test_it_depends_on_the_history_alone(name):
    for history in play(MAKERS[name](History()), lambda: 0.5):
        again = deepcopy(history)
        assert MAKERS[name](History()).ask(again) == MAKERS[name](History()).ask(history)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=5)
@given(n=st.integers(0, 9))
def test_resuming_ends_where_an_undisturbed_run_ends(name, n):
    *_, whole = play(MAKERS[name](History()), lambda: 0.5)
    known = History(whole.finished[:n])
    *_, resumed = play(MAKERS[name](known), lambda: 0.5, known)
    assert [trial.candidate for trial in resumed] == [trial.candidate for trial in whole]


def test_untried_counts_how_often_a_point_was_tried():
    points = [{"a": 1}, {"a": True}, {"a": 1}, {"a": 2}]
    history = History([Trial(candidate) for candidate in Listed([{"a": 1}, {"a": 3}]).ask(History())])
    assert list(map(repr, untried(points, history))) == ["{'a': True}", "{'a': 1}", "{'a': 2}"]
