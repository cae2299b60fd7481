"""Inspection of searches: one view of all sources, which parameters mattered, the journals of a folder."""

from skhpt.inspection.importance import param_importances
from skhpt.inspection.journals import Journals, comparable_group, read_journals
from skhpt.inspection.search_data import SearchData, read_source
from skhpt.inspection.status import status_of_journal

__all__ = [
    "Journals",
    "SearchData",
    "comparable_group",
    "param_importances",
    "read_journals",
    "read_source",
    "status_of_journal",
]
