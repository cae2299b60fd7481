"""The engines: clusters whose backends of joblib are replaced by backends of this package."""

from __future__ import annotations

from skhpt.parallel import _joblib
from skhpt.parallel._joblib import ParallelBackendBase
from skhpt.parallel.cluster import ClusterBackend
from skhpt.parallel.dask import DaskBackend
from skhpt.parallel.fit_resources import FitResources
from skhpt.parallel.ray import RayBackend

ENGINES: tuple[type[ClusterBackend], ...] = (DaskBackend, RayBackend)


def engine_of(
    backend: ParallelBackendBase, n_jobs: int | None, resources: FitResources
) -> type[ClusterBackend] | None:
    """Return the engine of a backend of joblib; None for other backends, and if the fits are to run in this process.

    One job is this process, as in joblib, unless its fits need resources that this process may not have.
    """
    if n_jobs == 1 and not resources:
        return None
    return next((engine for engine in ENGINES if engine.serves(backend)), None)


def n_jobs_of(n_jobs: int | None) -> int | None:
    """Return the number of jobs that a user has asked for, here or in `joblib.parallel_config`; None if in neither."""
    return n_jobs if n_jobs is not None else _joblib.configured_n_jobs()
