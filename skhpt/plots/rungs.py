"""RungDisplay: scores of a search with rungs by resource, and which candidates were promoted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt._optional import import_optional
from skhpt.identity import params_key
from skhpt.inspection.search_data import SearchData, Source, read_source
from skhpt.plots._display import Display, rows_of
from skhpt.plots._drawing import (
    ACCENT,
    FAILURE,
    LOW,
    MARK_NAMES,
    MAX_VECTOR_POINTS,
    POINT,
    draw_at_edge,
    no_scores,
    plain,
    point_style,
    score_label,
    tidy,
)
from skhpt.plots._points import FAILED, TrialPoints, score_floor, score_limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Largest distance of a candidate from the place of its level, in levels.
JITTER = 0.12
#: Panels in a row.
N_COLUMNS = 3


@dataclass(frozen=True, kw_only=True)
class RungPath:
    """A candidate on the rungs of a bracket.

    Attributes
    ----------
    bracket : int
        Number of the bracket.
    levels : ndarray of shape (n_rungs,)
        Levels of the candidate, as indices of the levels of the search; increasing.
    scores : ndarray of shape (n_rungs,)
        Mean score on each level; NaN where the candidate failed.
    rows : ndarray of shape (n_rungs,)
        Rows of ``cv_results_``.
    """

    bracket: int
    levels: np.ndarray
    scores: np.ndarray
    rows: np.ndarray


class RungDisplay(Display):
    """Scores of the candidates of a search with rungs on each level of the resource.

    A line leads from each level that a candidate was promoted from to the next. Candidates that stopped are hollow,
    those that reached the highest level of their bracket are filled, failures are crosses at the lower edge. Each
    bracket has its own axes. The levels are evenly spaced, which is a logarithmic scale if the resource grows by a
    factor; a level is a resource with a number of folds.

    Create it with `from_search`.

    Parameters
    ----------
    paths : sequence of RungPath
        The candidates.
    level_names : sequence of str
        Name of each level, such as "27".
    metric : str
        Name of the metric.
    resource : str, default=""
        Name of the resource.
    best_row : int, default=None
        Row of ``cv_results_`` of the candidate to mark as the best one.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the first bracket.
    axes_ : ndarray of matplotlib Axes of shape (n_brackets,)
        Axes of all brackets.
    figure_ : matplotlib Figure
        Figure with the plot.
    promotions_ : list of matplotlib LineCollection
        Lines of the promotions of each bracket.
    stopped_, finished_ : list of matplotlib Line2D
        Candidates of each bracket at the level where they stopped, and on its highest level.
    best_ : matplotlib Line2D or None
        Line of the best candidate.

    See Also
    --------
    SearchHistoryDisplay : Scores in the order of the evaluation.
    skhpt.HyperbandSearchCV : The search with rungs.

    Examples
    --------
    >>> from scipy.stats import randint
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.ensemble import ExtraTreesClassifier
    >>> from skhpt import HyperbandSearchCV
    >>> from skhpt.plots import RungDisplay
    >>> search = HyperbandSearchCV(
    ...     ExtraTreesClassifier(9, random_state=0), {"max_depth": randint(1, 20)}, n_candidates=9, random_state=0
    ... ).fit(*load_wine(return_X_y=True))
    >>> display = RungDisplay.from_search(search)
    >>> display.level_names
    ['1\\n1 fold', '3\\n1 fold', '9\\n1 fold', '9\\n5 folds']
    """

    promotions_: list[Any]
    stopped_: list[Any]
    finished_: list[Any]
    best_: Any

    def __init__(
        self,
        paths: Sequence[RungPath],
        *,
        level_names: Sequence[str],
        metric: str,
        resource: str = "",
        best_row: int | None = None,
    ):
        self.paths = list(paths)
        self.level_names = list(level_names)
        self.metric = metric
        self.resource = resource
        self.best_row = best_row

    @classmethod
    def from_search(
        cls, source: Source, *, metric: str | None = None, ax: Axes | None = None, **kwargs: Any
    ) -> RungDisplay:
        """Plot the rungs of a search.

        Parameters
        ----------
        source : estimator, JournalView, path-like or dict
            A fitted `skhpt.HyperbandSearchCV`, its journal or the path of this, a fitted ``HalvingGridSearchCV`` or
            ``HalvingRandomSearchCV`` of scikit-learn, or the ``cv_results_`` of one of them.
        metric : str, default=None
            Metric to plot; by default the one that ranks the candidates.
        ax : matplotlib Axes, default=None
            Axes to draw on, which are divided if there are several brackets; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : RungDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the search has no rungs, or the metric is unknown.
        ImportError
            If matplotlib is not installed.
        """
        data = read_source(source)
        metric = data.checked_metric(metric)
        levels = sorted(set(data.budgets))
        if len(levels) < 2 and not data.resource:
            raise ValueError(
                "source must be a search with rungs, such as HyperbandSearchCV or HalvingRandomSearchCV, got "
                f"{data.label!r}, whose candidates all have the same resource"
            )
        display = cls(
            _paths(data, metric, levels),
            level_names=_level_names(data, levels),
            metric=metric,
            resource=data.resource,
            best_row=TrialPoints.of(data, metric).best(data, metric),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self, ax: Axes | Sequence[Axes] | None = None, *, line_kw: Mapping[str, Any] | None = None
    ) -> RungDisplay:
        """Draw the rungs.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Axes to draw on, one for each bracket, or one that is divided; by default those of a new figure.
        line_kw : dict, default=None
            Arguments of the ``LineCollection`` of the promotions.

        Returns
        -------
        display : RungDisplay
            The display itself.
        """
        brackets = sorted({path.bracket for path in self.paths}) or [0]
        n_columns = min(len(brackets), N_COLUMNS)
        size = (6.4, 4.8) if len(brackets) == 1 else (4.2, 3.4)
        axes = self._begin_grid(ax, rows_of(len(brackets), n_columns), size=size)
        scores = np.concatenate([path.scores for path in self.paths] or [np.empty(0)])
        floor = score_floor(scores)
        self.promotions_, self.stopped_, self.finished_, self.best_ = [], [], [], None
        self._marks: dict[str, Any] = {}
        for axis, bracket in zip(axes, brackets, strict=True):
            paths = [path for path in self.paths if path.bracket == bracket]
            self._draw_bracket(axis, paths, floor, line_kw or {})
            self._label(axis, paths, bracket if len(brackets) > 1 else None)
        self._share_limits(axes, scores, floor)
        for axis in axes[::n_columns]:
            axis.set_ylabel(score_label(self.metric))
        if self._marks:
            # Candidates with low scores stop on the left.
            axes[0].legend(list(self._marks.values()), list(self._marks), frameon=False, loc="lower right")
        return self

    def _draw_bracket(
        self, ax: Axes, paths: Sequence[RungPath], floor: float, line_kw: Mapping[str, Any]
    ) -> None:
        collections = import_optional("matplotlib.collections", type(self).__name__)
        top = max((int(path.levels[-1]) for path in paths), default=0)
        curves = [_with_jitter(path, i, len(paths)) for i, path in enumerate(paths)]
        style = {"colors": POINT, "linewidths": 1.0, "alpha": max(0.05, min(0.8, 20 / max(1, len(paths))))}
        style |= {"zorder": 2, "rasterized": len(paths) > MAX_VECTOR_POINTS, **line_kw}
        promotions = collections.LineCollection([curve for curve in curves if len(curve) > 1], **style)
        self.promotions_.append(ax.add_collection(promotions))

        ends = np.array([curve[-1] for curve in curves]).reshape(-1, 2)
        is_finished = np.array([path.levels[-1] == top for path in paths], dtype=bool)
        self._draw_ends(ax, ends, is_finished, floor)
        for path, curve in zip(paths, curves, strict=True):
            if self.best_row is not None and self.best_row in path.rows:
                (self.best_,) = ax.plot(*curve.T, color=ACCENT, linewidth=2.5, marker="o", zorder=4)
                self._marks["best candidate"] = self.best_

    def _draw_ends(self, ax: Axes, ends: np.ndarray, is_finished: np.ndarray, floor: float) -> None:
        """Draw the last points of candidates, shape (n_candidates, 2)."""
        hollow: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": POINT, "zorder": 3}
        hollow |= {**point_style(len(ends)), "markerfacecolor": "none"}
        filled = {**hollow, "alpha": 0.9, "markerfacecolor": POINT}
        is_failed, is_low = np.isnan(ends[:, 1]), ends[:, 1] < floor
        is_shown = ~is_failed & ~is_low
        self.stopped_ += ax.plot(*ends[is_shown & ~is_finished].T, **hollow)
        self.finished_ += ax.plot(*ends[is_shown & is_finished].T, **filled)
        style = point_style(len(ends))
        for name, rows, marker, color in ((LOW, is_low, "v", POINT), (FAILED, is_failed, "x", FAILURE)):
            if rows.any():
                mark = draw_at_edge(ax, ends[rows, 0], color=color, marker=marker, style=style)
                self._marks[MARK_NAMES[name]] = mark

    def _label(self, ax: Axes, paths: Sequence[RungPath], bracket: int | None) -> None:
        names = [plain(name) for name in self.level_names]
        ax.set_xticks(range(len(names)), names)
        ax.set_xlim(-0.4, len(names) - 0.6)
        ax.set_xlabel(plain(self.resource) if self.resource else "resource")
        if bracket is not None:
            n = len(paths)
            ax.set_title(f"bracket {bracket}: {n} candidate{'s' * (n != 1)}", fontsize="medium")
        tidy(ax)

    def _share_limits(self, axes: np.ndarray, scores: np.ndarray, floor: float) -> None:
        """Give the axes of all brackets the same limits of y."""
        if np.isnan(scores).all():
            for ax in axes:
                no_scores(ax)
            return
        for ax in axes:
            ax.set_ylim(score_limits(scores, floor))


def _with_jitter(path: RungPath, i: int, n: int) -> np.ndarray:
    """Return the points of a candidate, shape (n_rungs, 2), with a shift that tells it from others with its scores."""
    shift = (
        JITTER * (2 * ((i * 0.618) % 1) - 1) if n > 1 else 0.0
    )  # multiples of the golden ratio spread evenly
    return np.column_stack([path.levels + shift, path.scores])


def _paths(data: SearchData, metric: str, levels: Sequence[tuple[float, int]]) -> list[RungPath]:
    """Return the candidates in the order in which they began."""
    scores = data.scores(metric)
    rows_of: dict[Any, dict[int, int]] = {}
    for row, (trial, budget) in enumerate(zip(data.trials, data.budgets, strict=True)):
        info = trial.candidate.info
        candidate = info.get("candidate_id", params_key(trial.candidate.params))
        bracket = int(info.get("bracket", 0))
        rows_of.setdefault((bracket, candidate), {})[levels.index(budget)] = row
    paths = []
    for (bracket, _), row_of_level in rows_of.items():
        own_levels = np.array(sorted(row_of_level))
        rows = np.array([row_of_level[level] for level in own_levels])
        paths.append(RungPath(bracket=bracket, levels=own_levels, scores=scores[rows], rows=rows))
    return paths


def _level_names(data: SearchData, levels: Sequence[tuple[float, int]]) -> list[str]:
    """Return the resource of each level, and its number of folds if that varies."""
    has_folds = len({n_folds for _, n_folds in levels}) > 1 and data.resource != "folds"
    names = []
    for resource, n_folds in levels:
        folds = f"\n{n_folds} fold{'s' * (n_folds != 1)}" if has_folds else ""
        names.append(f"{resource:g}{folds}")
    return names
