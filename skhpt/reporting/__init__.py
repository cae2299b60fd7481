"""Reports of searches as HTML pages."""

from skhpt.reporting.report import Report, report

__all__ = ["Report", "report"]
