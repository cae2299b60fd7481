"""Times that come from machines with other clocks are those of the machine of the search."""

import pickle

import pytest

from skhpt.fitting.job import Outcome
from skhpt.parallel.channels import Begun
from skhpt.parallel.cluster_call import Output
from skhpt.trial import FoldScore
from tests.parallel.simulated_cluster import SimulatedBackend

HOUR = 3600.0


@pytest.fixture
def host(clock):
    return Host(clock)


class Host:
    """A machine whose clock is ahead by some seconds; its fits take five seconds and its items some on their way."""

    def __init__(self, clock):
        self.clock, self.ahead, self.delay, self.name = clock, 0.0, 0.0, "there/12"
        self.backend = SimulatedBackend(clock)
        self.n_sent = 0

    def fit(self):
        """Return a score of a fit that ends now, and the true time of its end."""
        self.clock.now += 5.0
        end = self.clock.time()
        score = FoldScore(0, 0, 0.5)
        score.set_times(started=end + self.ahead - 5.0, ended=end + self.ahead, worker=self.name)
        return score, end

    def arrive(self, items, result=None):
        """Return the last update of a task after all that it has sent has been on its way."""
        items, output = pickle.loads(pickle.dumps((items, Output(result))))
        self.clock.now += self.delay
        task_id, self.n_sent = self.n_sent, self.n_sent + 1
        self.backend.submit(task_id, iter, ())
        if result is None:
            return self.backend._arrived(task_id, items, "w")
        return self.backend._ended(task_id, output, items, "w")

    def stream(self):
        """Return how far the times of a streamed score are from the true ones."""
        score, end = self.fit()
        [score] = self.arrive([score]).items
        assert score.ended <= self.clock.time()
        assert score.ended - score.started == pytest.approx(5.0)
        return score.ended - end


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, 30.0, -30.0])
def test_times_of_another_clock_become_those_of_this_one(host, ahead):
    host.ahead, host.delay = ahead, 0.2
    assert host.stream() == pytest.approx(0.2)  # as well as it can be known
    host.delay = 0.01
    assert host.stream() == pytest.approx(0.01)
    host.delay = 20.0  # the host is known better now
    assert host.stream() == pytest.approx(0.01)


def test_times_of_an_exact_clock_stay_as_they_are(host):
    for host.delay in [0.5, 0.0, 20.0]:
        assert host.stream() == 0.0


def test_a_slow_way_does_not_look_like_another_clock_for_long(host):
    host.delay = 8.0
    assert host.stream() == pytest.approx(8.0)
    host.delay = 0.3
    assert host.stream() == 0.0
    host.delay = 8.0
    assert host.stream() == 0.0


def test_a_clock_that_is_a_little_ahead_ends_nothing_after_its_arrival(host):
    host.ahead = 0.5
    assert host.stream() == 0.0
    host.delay = 0.4
    assert host.stream() == pytest.approx(0.4)


def test_a_clock_that_is_set_right_is_noticed(host):
    host.ahead = -HOUR
    host.stream()
    host.ahead = 0.0
    assert host.stream() == 0.0
    host.ahead = HOUR
    host.stream()
    host.ahead = 0.0
    errors = [host.stream() for _ in range(60)]
    assert (errors[0], errors[-1]) == (-HOUR, 0.0)


def test_hosts_have_clocks_of_their_own_and_this_machine_has_one_clock(host):
    host.ahead = HOUR
    assert host.stream() == 0.0
    host.name, host.ahead, host.delay = "elsewhere/12.13", 0.0, 0.1
    assert host.stream() == 0.0
    host.name, host.delay = "12", 20.0  # of this machine
    assert host.stream() == 0.0


def test_scores_that_come_with_the_result_are_corrected_once(host):
    host.ahead = HOUR
    scores, ends = zip(*[host.fit() for _ in range(3)], strict=True)
    update = host.arrive([Begun(0, 1.0), *scores], Outcome(0, list(scores)))
    assert [score.ended for score in update.items[1:]] == pytest.approx(ends)
    assert [score.ended for score in update.result.scores] == pytest.approx(ends)


def test_scores_that_come_only_with_the_result_are_corrected(host):
    host.ahead = -HOUR
    scores, ends = zip(*[host.fit() for _ in range(3)], strict=True)
    assert [s.ended for s in host.arrive([], Outcome(0, list(scores))).result.scores] == pytest.approx(ends)


def test_scores_without_times_have_none(host):
    [score] = host.arrive([FoldScore(0, 0, 0.5)]).items
    assert (score.started, score.ended) == (0.0, 0.0)
