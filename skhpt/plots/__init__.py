"""Plots of searches as matplotlib displays, in the convention of scikit-learn's displays."""

from skhpt.plots.history import SearchHistoryDisplay
from skhpt.plots.importance import ParamImportanceDisplay
from skhpt.plots.pair import SearchPairDisplay
from skhpt.plots.parallel_coordinates import ParallelCoordinatesDisplay
from skhpt.plots.pareto import ParetoDisplay
from skhpt.plots.rungs import RungDisplay
from skhpt.plots.slice import SearchSliceDisplay
from skhpt.plots.timeline import TimelineDisplay

__all__ = [
    "ParallelCoordinatesDisplay",
    "ParamImportanceDisplay",
    "ParetoDisplay",
    "RungDisplay",
    "SearchHistoryDisplay",
    "SearchPairDisplay",
    "SearchSliceDisplay",
    "TimelineDisplay",
]
