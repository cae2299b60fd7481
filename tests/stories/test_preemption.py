"""Preemption: the driver or workers are asked to end, then killed; nothing that was finished is repeated."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from skhpt.journal import read_journal
from tests.stories import preemptible
from tests.stories.interruptible import members, results

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")

#: Seconds that anything may take, so that a hang fails.
PATIENCE = 120.0
N_WORKERS = {"serial": 1}


def wait_until(condition, what):
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


class Run:
    """A search in a process of its own, in a folder."""

    def __init__(self, engine, folder, **environment):
        self.engine, self.folder = engine, folder
        self._environment = os.environ | environment
        self.process = None

    def start(self):
        """Start the script, in a session of its own."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.stories.preemptible", self.engine, str(self.folder)],
            cwd=Path(__file__).parents[2],
            env=self._environment,
            start_new_session=True,
        )

    def end(self):
        """Kill whatever is left."""
        if self.process is not None:
            for pid in members(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(PATIENCE)

    def finish(self):
        """Let the waiting fits go on, and wait for the end of the search."""
        (self.folder / "open").touch()
        assert self.process.wait(PATIENCE) == 0

    @property
    def begun(self):
        """The fits that have begun, in their order: candidate, fold and process."""
        path = self.folder / "fits"
        lines = path.read_text().splitlines() if path.exists() else []
        return [tuple(map(int, line.split())) for line in lines]

    @property
    def waiting(self):
        """The fits that wait: candidate, fold and process."""
        return [fit for fit in self.begun if fit[0] == preemptible.WAITING]

    @property
    def recorded(self):
        """Candidate and fold of each score in the journal."""
        path = self.folder / "search.jsonl"
        if not path.exists():
            return set()
        history = read_journal(path).history
        finished = {(trial.candidate.id, fold.split) for trial in history.finished for fold in trial.folds}
        pending = {(one.id, split) for one in history.pending for split in history.folds_of(one.id)}
        return finished | pending  # the id of a candidate is its value

    def wait_until_only_waiting_fits_run(self):
        """Wait until each worker has a fit that waits, and the scores of all others are in the journal."""
        n_workers = N_WORKERS.get(self.engine, 2)
        wait_until(lambda: len(self.waiting) == n_workers, "all workers have a fit that waits")
        finished = {fit[:2] for fit in self.begun} - {fit[:2] for fit in self.waiting}
        assert len(finished) > 2 * n_workers
        wait_until(lambda: self.recorded == finished, "the scores are in the journal")

    def check_results(self):
        """Check that the results are those of a search that nothing has happened to."""
        search = preemptible.make(self.folder, refit=False).fit(preemptible.X, preemptible.y)
        expected = results(search)
        assert json.loads((self.folder / "results.json").read_text()) == expected


@pytest.fixture
def start(tmp_path):
    """Start a search in a process of its own."""
    runs = []

    def start(engine, **environment):
        run = Run(engine, tmp_path, **environment)
        runs.append(run)
        run.start()
        return run

    yield start
    for run in runs:
        run.end()


def check_that_only(run, expected):
    """Check that no fits were begun twice but these."""
    counts = Counter(fit[:2] for fit in run.begun)
    repeated = {fit for fit, n in counts.items() if n > 1}
    assert repeated <= set(expected)
    assert max(counts.values()) <= 2
    assert len(counts) == preemptible.N_CANDIDATES * preemptible.N_SPLITS


# -- the driver ----------------------------------------------------------------------------------------------


def ask_to_end(run, seconds):
    """Ask the driver to end."""
    run.process.terminate()
    assert run.process.wait(PATIENCE) == -signal.SIGTERM


def ask_all_to_end(run, seconds):
    """Ask the driver and all of its processes to end, as the manager of a machine does."""
    os.killpg(run.process.pid, signal.SIGTERM)
    assert run.process.wait(PATIENCE) == -signal.SIGTERM


def kill(run, seconds):
    """Kill the driver."""
    run.process.kill()
    run.process.wait(PATIENCE)


def ask_then_kill(run, seconds):
    """Ask the driver to end, and kill it after some seconds."""
    run.process.terminate()
    with suppress(subprocess.TimeoutExpired):
        run.process.wait(seconds)
    time.sleep(seconds)
    kill(run, seconds)


LOCAL_ENGINES = ["serial", "threads", "loky", "multiprocessing", "processes"]


@pytest.mark.parametrize("preempt", [ask_to_end, ask_all_to_end, kill])
@pytest.mark.parametrize("engine", LOCAL_ENGINES)
def test_a_search_whose_driver_ends_repeats_only_fits_that_were_running(engine, preempt, start):
    run = start(engine)
    run.wait_until_only_waiting_fits_run()
    running = {fit[:2] for fit in run.waiting}
    preempt(run, 0.0)
    wait_until(lambda: not members(run.process.pid), "the processes of the search have ended")
    run.start()
    run.finish()
    check_that_only(run, running)
    run.check_results()
