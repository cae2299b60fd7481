"""Default spaces: the parameters of known estimators that people tune, and where good values lie.

- ``default``: `default_space`,
- ``composition``: the space of a pipeline or another composite estimator, made of those of its parts,
- ``registry``: the rule of each class, found by its name, so that no package has to be imported,
- ``linear``, ``kernels``, ``trees``, ``other_models``, ``transformers``: the rules,
- ``output``: what a transformer does to the summary of the data,
- ``data``: a summary of the data that the rules depend on,
- ``ranges``: distributions around a good value,
- ``configurations``: `portfolio`, configurations that are good together, read from the files in ``portfolios``.
"""

from skhpt.spaces.configurations import portfolio
from skhpt.spaces.default import AUTO, default_space

__all__ = ["AUTO", "default_space", "portfolio"]
