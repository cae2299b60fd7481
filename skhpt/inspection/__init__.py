"""Inspection of searches: which parameters mattered."""

from skhpt.inspection.importance import param_importances
from skhpt.inspection.search_data import SearchData, read_source

__all__ = ["SearchData", "param_importances", "read_source"]
