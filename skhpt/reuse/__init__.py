"""Fits that candidates share; not imported into the evaluation of a search with ``reuse=False``."""
