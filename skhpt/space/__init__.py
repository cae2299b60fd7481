"""The search space: dimensions, branches, constraint, sampling."""
