"""Sub-models: estimators of which a single fit serves several candidates.

``registry.py`` says how to add a sub-model. The other files register those of scikit-learn, LightGBM and
XGBoost; each file has another reason why a fit can be shared:

- ``trees``: ensembles that contain smaller ensembles
- ``boosters``: the same for LightGBM and XGBoost
- ``pruning``: trees that are pruned after they are grown
- ``converged``: solvers that converge before ``max_iter``
- ``linear``: penalties and components that are used after the expensive products
- ``kernels``: support vector machines with the same kernel matrix
- ``neighbors``: searches for nearest neighbours
- ``bayes``: naive Bayes models that smooth their counts after the fit
- ``decomposition``: principal components
- ``selection``: feature selectors that share scores of features
- ``text``: vectorizers that share counts of words
- ``meta``: votes, thresholds and stacks around fitted members
"""

from __future__ import annotations

from skhpt.reuse.submodels import (  # noqa: F401, importing a file registers its sub-models
    bayes,
    boosters,
    converged,
    decomposition,
    kernels,
    linear,
    meta,
    neighbors,
    pruning,
    selection,
    text,
    trees,
)
from skhpt.reuse.submodels.registry import (
    SubModel,
    is_registered,
    register_submodel,
    registered_submodels,
    submodels_of,
)

__all__ = ["SubModel", "is_registered", "register_submodel", "registered_submodels", "submodels_of"]
