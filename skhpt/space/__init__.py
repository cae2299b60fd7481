"""Search space: dimensions, branches, constraint and sampling.

- ``space``: `Space`, with its grid, its draws and its encoding to the unit cube,
- ``dimensions``: the values of one parameter,
- ``parsing``: makes a dimension of a list or distribution, or refuses it,
- ``scipy_adapter``: a common interface to the kinds of distributions,
- ``constraint``: the user's constraint on candidates,
- ``skopt``: spaces in the notation of scikit-optimize.
"""
