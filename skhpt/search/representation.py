"""What IPython and notebooks show of a search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skhpt._html import box, number, paragraph, params_text
from skhpt.results.leaderboard import score_text


class RepresentationMixin:
    """Shows the best score and the best parameters of a fitted search above what scikit-learn shows.

    ``repr(search)`` remains that of scikit-learn, which has the parameters of the constructor.
    """

    best_score_: float
    best_index_: int
    best_params_: dict[str, Any]
    cv_results_: dict[str, Any]
    _leading_metric: Callable[[], str]

    @property
    def _repr_html_(self) -> Callable[[], str]:
        diagram = super()._repr_html_  # type: ignore[misc]  # raises AttributeError unless diagrams are shown
        return lambda: self._best_html() + diagram()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """Return what IPython shows, as text and as HTML."""
        shown: dict[str, str] = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        shown["text/plain"] = "\n".join([shown["text/plain"], *self._best_lines()])
        if "text/html" in shown:
            shown["text/html"] = self._best_html() + shown["text/html"]
        return shown

    def _best_lines(self) -> list[str]:
        """Return the best score and the best parameters, as far as the search knows them."""
        lines = []
        if hasattr(self, "best_score_"):
            spread = self.cv_results_[f"std_test_{self._leading_metric()}"][self.best_index_]
            lines.append(
                f"best score: {number(self.best_score_)} ± {score_text(spread, abs(self.best_score_))}"
            )
        gain = getattr(self, "corrected_gain_", None)
        if gain is not None:
            lines.append(f"gain over the estimator as it is: {gain}")
        if hasattr(self, "best_params_"):
            lines.append(f"best parameters: {params_text(self.best_params_, max_length=500)}")
        return lines

    def _best_html(self) -> str:
        lines = self._best_lines()
        return box(lines[0], *map(paragraph, lines[1:])) if lines else ""
