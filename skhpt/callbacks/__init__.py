"""Callbacks: objects that a search tells how it proceeds, set by ``search.set_callbacks(...)``."""

from skhpt.callbacks.base import SearchCallback

__all__ = ["SearchCallback"]
