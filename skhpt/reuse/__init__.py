"""Fits that candidates share. The evaluation of a search with ``reuse=False`` does not use this package.

- `steps`: the fit graph of a candidate: its steps, each with a key; equal keys mean equal fits
- `draws`: estimators that may draw from numpy's global generator, and draws that do not matter
- `inert`: parameters without effect, which the keys omit
- `submodels`: estimators whose fit contains the models of other parameter values
- `grouping`: the plan of a round: the fits that its candidates share, and the order to evaluate them in
- `planner`: the plan of each round in turn, and the account of what was shared; the entry for the engine
- `shared_evaluation`: the task that workers run, and the refusal to share
- `cache`: fitted steps that a worker keeps, and the estimators that look them up
- `rng_guard`: detection of draws from numpy's global generator
- `report`: the tables that a user sees
"""
