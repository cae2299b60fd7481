"""What the tests of shared fits have in common."""

from __future__ import annotations

import math

import pytest


@pytest.fixture(autouse=True)
def checks_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checks of data take any time: on a busy machine, short ones take long, and sharing would end."""
    monkeypatch.setattr("skhpt.reuse.shared_evaluation._QUICK_CHECK", math.inf)
