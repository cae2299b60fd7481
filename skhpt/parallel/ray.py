"""Backend for a Ray cluster, on the public interface of Ray: tasks, objects, and cancelling by force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skhpt.parallel._joblib import ParallelBackendBase
from skhpt.parallel.channels import TaskUpdate
from skhpt.parallel.cluster import ClusterBackend
from skhpt.parallel.cluster_call import Call
from skhpt.parallel.fit_resources import FitResources


class RayBackend(ClusterBackend):
    """Backend on a Ray cluster, with one task of Ray per task."""

    engine = "Ray"

    @staticmethod
    def serves(backend: ParallelBackendBase) -> bool:
        return type(backend).__name__ == "RayBackend"

    @classmethod
    def count_slots(cls, backend: ParallelBackendBase, resources: FitResources) -> int:
        raise NotImplementedError

    def _count_slots(self) -> int:
        raise NotImplementedError

    def _share(self, token: str, value: Any) -> Any:
        raise NotImplementedError

    def _send(self, task_id: int, call: Call) -> None:
        raise NotImplementedError

    def _receive(self, seconds: float) -> list[TaskUpdate]:
        raise NotImplementedError

    def _cancel(self, task_ids: Sequence[int]) -> None:
        raise NotImplementedError

    def _end_worker(self, task_id: int) -> list[TaskUpdate]:
        raise NotImplementedError
