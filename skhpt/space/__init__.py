"""Search space: dimensions, branches, constraint and sampling.

- ``space``: `Space`, with its grid, its draws and its encoding to the unit cube,
- ``dimensions``: the values of one parameter,
- ``parsing``: makes dimensions of the lists and distributions of the user, or refuses them,
- ``sequences``: long ranges and arrays of choices, which are not listed,
- ``sampling``: the points of a sample, out of draws that may be rejected,
- ``random_walk``: further points that a tight constraint allows,
- ``random_walk``: points that a tight constraint allows, found from known ones,
- ``scipy_adapter``: a common interface to the kinds of distributions,
- ``value_table``: the values of a discrete distribution and the steps of its cdf,
- ``constraint``: the user's constraint on candidates,
- ``skopt``: spaces in the notation of scikit-optimize.
"""
