"""An engine that is simulated: no processes, and a clock by hand."""

from contextlib import nullcontext

from skhpt.parallel.channels import Begun
from skhpt.parallel.cluster import ClusterBackend, ClusterOptions
from skhpt.parallel.cluster_call import Output


class Clock:
    """Stands for the module `time`: the seconds pass only when the simulated engine waits."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def time(self):
        return 1e9 + self.now


class SimulatedBackend(ClusterBackend):
    """Backend of an engine that does what a test tells it: ``later(seconds, what, *args)`` plans what happens."""

    engine = "Simulated"

    def __init__(self, clock, n_slots=2, **options):
        super().__init__(None, nullcontext, ClusterOptions(**options))
        self.clock = clock
        self.n_slots_now = n_slots
        self.plan = []  # (time, function that returns updates)
        self.sent, self.cancelled, self.ended_at = {}, [], []
        self.shared = {}  # values by token
        self.on_send = lambda task_id: None

    @staticmethod
    def serves(backend):
        return False

    @classmethod
    def count_slots(cls, backend, resources):
        return 0

    def _count_slots(self):
        if isinstance(self.n_slots_now, Exception):
            raise self.n_slots_now
        return self.n_slots_now

    def _share(self, token, value):
        self.shared[token] = value

    def _send(self, task_id, call):
        self.sent[task_id] = call
        self.on_send(task_id)

    def _receive(self, seconds):
        until = self.clock.now + seconds
        self.plan.sort(key=lambda event: event[0])
        if not self.plan or self.plan[0][0] > until:
            self.clock.now = until
            return []
        at, happen = self.plan.pop(0)
        self.clock.now = max(self.clock.now, at)
        return happen()

    def _cancel(self, task_ids):
        self.cancelled += task_ids

    def _end_worker(self, task_id):
        """End a worker: other tasks that it ran are lost without being the cause."""
        self.ended_at.append((self.clock.now, task_id))
        worker = self._running[task_id].worker
        others = [other for other, running in self._running.items() if running.worker == worker]
        return [self._lost(other, is_to_blame=False) for other in others if other != task_id]

    # -- what a test plans -----------------------------------------------------------------------------------

    def later(self, seconds, happen):
        self.plan.append((self.clock.now + seconds, happen))

    def begin(self, seconds, task_id, candidate=7, worker="w"):
        items = [Begun(candidate, 1e12, worker)]  # the clock of another machine
        self.later(seconds, lambda: [self._arrived(task_id, items, worker)])

    def finish(self, after, task_id, *, items=(), result="result", **output):
        self.later(after, lambda: [self._ended(task_id, Output(result, **output), items, "w")])

    def submit_all(self, n):
        """Submit tasks that no worker runs."""
        for task_id in range(n):
            self.submit(task_id, iter, ())

    def wait_all(self):
        """Return all updates until no task is pending."""
        updates = []
        while new := self.wait(None):
            updates += new
        return updates
