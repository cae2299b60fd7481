"""Fixed lists of points."""

from skhpt.history import History
from skhpt.strategies.fixed_list import FixedList, untried
from skhpt.trial import Trial


def test_untried_points_count_how_often_a_point_was_tried():
    points = [{"a": 1}, {"a": True}, {"a": 1}, {"a": 2}]
    history = History([Trial(candidate) for candidate in FixedList([{"a": 1}, {"a": 3}]).ask(History())])
    assert list(map(repr, untried(points, history))) == ["{'a': True}", "{'a': 1}", "{'a': 2}"]


def test_trials_before_the_list_do_not_count():
    before = History([Trial(candidate) for candidate in FixedList([{"a": 0}]).ask(History())])
    strategy = FixedList([{"a": 1}, {"a": 2}], n_before=1)
    assert [(candidate.id, candidate.params) for candidate in strategy.ask(before)] == [
        (1, {"a": 1}),
        (2, {"a": 2}),
    ]
    assert strategy.n_candidates == 2
