"""Versions of the packages that this process and the workers of a cluster must have in common."""

from __future__ import annotations

import platform
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

#: Packages of which a worker must have the version of this process: with another version the results may
#: differ, or tasks cannot be read.
PACKAGES = ("skhpt", "scikit-learn", "numpy", "scipy", "joblib")


@lru_cache(maxsize=1)
def own_versions() -> dict[str, str]:
    """Return the versions of this process, by package."""
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # it is not installed, but on the path
            module = sys.modules.get(package)
            versions[package] = str(getattr(module, "__version__", "unknown"))
    return versions


def describe_difference(ours: dict[str, str], theirs: dict[str, str]) -> str:
    """Return a text on the packages whose versions differ; empty if none do.

    Parameters
    ----------
    ours, theirs : dict of str to str
        Versions by package: of the process of the search, and of a worker.
    """
    names = [name for name in ours if theirs.get(name) != ours[name]]
    return ", ".join(f"{name} {theirs.get(name, 'missing')} instead of {ours[name]}" for name in names)
