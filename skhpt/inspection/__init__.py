"""Inspection of searches: which parameters mattered."""

from skhpt.inspection.search_data import SearchData, read_source

__all__ = ["SearchData", "read_source"]
