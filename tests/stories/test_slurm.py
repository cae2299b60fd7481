"""The batch scripts of the page on SLURM, run on this machine with a `srun` that starts processes here.

The workers come later than the search, one of them is killed and replaced, and the job is ended before the search and
requeued.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from skhpt import RandomSearch, read_journal
from skhpt.parallel.process_tree import kill_trees

ROOT = Path(__file__).parents[2]
SECONDS = 240  # after which a job that hangs fails
N_CANDIDATES = 8
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/environ").exists(), reason="finds the processes of a job in /proc"
    ),
]

SRUN = """#!/bin/bash
# Starts the tasks of a job step, later than the other processes of the script.
n_tasks=$SLURM_NTASKS
while [[ $1 == --* ]]; do
    [[ $1 == --ntasks=* ]] && n_tasks=${1#--ntasks=}
    shift
done
sleep 3
for ((task = 0; task < n_tasks; task++)); do "$@" & done
wait
"""
SCONTROL = """#!/bin/bash
echo "$@" >> scontrol.log
"""


class Job:
    """A batch job in a folder of its own."""

    def __init__(self, folder, page_section):
        self.folder = folder
        self.steps = []
        self.id = str(free_port() - 20000)  # the script for Ray derives its port from the number of the job
        (folder / "bin").mkdir()
        for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o700)
        (folder / "search.sh").write_text(block("bash", page_section))
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "DASK_"))},
            "PATH": os.pathsep.join(
                [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "PYTHONPATH": str(ROOT),
            "SLURM_JOB_ID": self.id,
            "SLURM_NTASKS": "2",
            "SLURM_CPUS_PER_TASK": "1",
            "SLURM_JOB_NUM_NODES": "2",
        }

    @contextmanager
    def started(self):
        """Run the script; at the end kill its processes, as SLURM does."""
        with open(self.folder / "log", "ab") as log:
            batch = subprocess.Popen(
                ["bash", "search.sh"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        try:
            yield batch
        finally:
            kill_trees(self.processes())
            for process in (batch, *self.steps):
                process.wait(SECONDS)

    def start_step(self, *command):
        """Start one more task of the job."""
        nowhere = subprocess.DEVNULL
        self.steps.append(
            subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=nowhere, stderr=nowhere)
        )

    def processes(self, *words):
        """Return the processes of the job whose command has these words."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                is_ours = f"SLURM_JOB_ID={self.id}".encode() in (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has ended, or belongs to another user
                continue
            if is_ours and all(word in command for word in words):
                found.append(int(folder.name))
        return found

    def wait_for_scores(self, n, batch):
        end = time.monotonic() + SECONDS
        while self.n_scores() < n:
            assert batch.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def n_scores(self):
        journal = self.folder / "search.jsonl"
        lines = journal.read_text().splitlines() if journal.exists() else []
        return sum('"scored"' in line for line in lines)

    def log(self):
        return (self.folder / "log").read_text()[-5000:]


def free_port():
    while True:
        with socket.socket() as probe:
            probe.bind(("", 0))
            port = probe.getsockname()[1]
        if 20000 <= port < 40000:
            return port


def block(language, section):
    """Return the first code block of a language in a section of the page."""
    page = (ROOT / "docs" / "parallel" / "slurm.md").read_text(encoding="utf-8")
    text = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.search(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)[1]


@pytest.fixture(scope="module")
def undisturbed():
    X, y = load_digits(return_X_y=True)
    space = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-6, 1e-1)}
    return RandomSearch(SVC(), space, n_iter=N_CANDIDATES, random_state=0, refit=False).fit(X, y).history_


def scores(history):
    return [[fold.test_score for fold in trial.folds] for trial in history]


DASK, RAY = "One batch script with Dask", "One batch script with Ray"


def script_of_the_search(section, n_iter):
    """Return the script of the search; the page shows for Ray only the lines that differ."""
    script = block("python", DASK).replace("n_iter=30", f"n_iter={n_iter}")
    if section == DASK:
        return script
    start = script.index("    with Client(")
    end = script.index("    print(search")
    lines = block("python", RAY).splitlines(keepends=True)
    return script[:start] + "".join(f"    {line}" for line in lines) + script[end:]


def kill_a_worker(job, section):
    """Kill a task of the job step, with all its processes, and start another one."""
    if section == DASK:
        kill_trees(job.processes("bin/dask", "worker")[:1])
        job.start_step("dask", "worker", "--scheduler-file", f"scheduler-{job.id}.json", "--nthreads", "1")
    else:
        kill_trees(job.processes("bin/ray", "start", "--address")[:1])
        host = subprocess.run(
            ["hostname", "--ip-address"], capture_output=True, text=True, check=True
        ).stdout.split()[0]
        job.start_step(
            "ray", "start", f"--address={host}:{20000 + int(job.id) % 20000}", "--num-cpus=1", "--block"
        )


def test_a_batch_job_with_dask_waits_for_its_workers_and_ends_with_the_search(tmp_path):
    pytest.importorskip("distributed")
    job = Job(tmp_path, DASK)
    (tmp_path / "search.py").write_text(script_of_the_search(DASK, 3))
    with job.started() as batch:
        assert batch.wait(SECONDS) == 0, job.log()
    assert job.n_scores() == 15
    assert "RandomSearch: 3/3 candidates" in job.log()


@pytest.mark.parametrize("section", [DASK, RAY])
def test_a_batch_job_survives_a_worker_and_is_continued_after_it_was_requeued(section, tmp_path, undisturbed):
    pytest.importorskip("distributed" if section == DASK else "ray")
    job = Job(tmp_path, section)
    (tmp_path / "search.py").write_text(script_of_the_search(section, N_CANDIDATES))
    with job.started() as batch:
        job.wait_for_scores(3, batch)
        kill_a_worker(job, section)
        job.wait_for_scores(10, batch)
        batch.send_signal(signal.SIGTERM)
        batch.wait(SECONDS)
    assert (tmp_path / "scontrol.log").read_text() == f"requeue {job.id}\n"
    assert read_journal(tmp_path / "search.jsonl").state == "ended"
    assert job.n_scores() < 5 * N_CANDIDATES
    with job.started() as batch:
        assert batch.wait(SECONDS) == 0, job.log()
    assert job.n_scores() == 5 * N_CANDIDATES  # none of them twice
    assert scores(read_journal(tmp_path / "search.jsonl").history) == scores(undisturbed)
