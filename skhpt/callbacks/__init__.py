"""Callbacks: objects that a search tells how it proceeds, set by ``search.set_callbacks(...)``."""

from skhpt.callbacks.base import SearchCallback
from skhpt.callbacks.mlflow import MLflowLogger
from skhpt.callbacks.progress import SearchProgress

__all__ = ["MLflowLogger", "SearchCallback", "SearchProgress"]
