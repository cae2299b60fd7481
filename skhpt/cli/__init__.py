"""Commands of ``python -m skhpt``: list, watch, report, dashboard."""
