"""Plots of searches as matplotlib displays, in the convention of scikit-learn's displays.

Each display has a file of its own. They share the axes (`_display`), the parameters that are shown (`_params`), the
scores with the status of the trials (`_points`), the axes of parameters (`_scale`), colours, marks and legends
(`_drawing`), and the predictions along one parameter (`_surrogate`) and over two (`_surface`).
"""

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
