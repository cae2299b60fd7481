"""Search space: dimensions, branches, constraint and sampling.

- ``space``: `Space`, with its grid, its draws and its encoding to the unit cube,
- ``dimensions``: the values of one parameter,
- ``parsing``: makes dimensions of the lists and distributions of the user, or refuses them,
- ``sampling``: the points of a sample, out of draws that may be rejected,
- ``scipy_adapter``: a common interface to the kinds of distributions,
- ``constraint``: the user's constraint on candidates,
- ``skopt``: spaces in the notation of scikit-optimize.
"""
