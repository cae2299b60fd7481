"""Fixtures of the journal's tests."""

import pytest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "search.jsonl"
