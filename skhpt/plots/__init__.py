"""Plots of searches as matplotlib displays, in the convention of scikit-learn's displays."""

from skhpt.plots.history import SearchHistoryDisplay

__all__ = ["SearchHistoryDisplay"]
