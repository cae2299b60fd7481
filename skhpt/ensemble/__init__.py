"""Ensembles of the best candidates of a search."""

from skhpt.ensemble.search_ensemble import SearchEnsemble

__all__ = ["SearchEnsemble"]
