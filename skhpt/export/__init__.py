"""Export of searches to Optuna, whose dashboard and importance evaluators then read them."""

from __future__ import annotations

from skhpt.export.optuna_study import to_optuna

__all__ = ["to_optuna"]
