"""The default space of an estimator."""

from __future__ import annotations

from typing import Final

from sklearn.base import is_classifier

from skhpt._typing import ArrayLike, Estimator, SpaceDefinition
from skhpt.spaces import kernels, linear, other_models, transformers, trees  # noqa: F401  # they register rules
from skhpt.spaces.composition import Data, space_of_estimator
from skhpt.spaces.data import summarize

#: Value of the parameter of a search that stands for the default space.
AUTO: Final = "auto"


def default_space(
    estimator: Estimator, X: ArrayLike = None, y: ArrayLike = None, *, n_train: int | None = None
) -> SpaceDefinition:
    """Return a search space for an estimator: the parameters that people tune, and where good values lie.

    Known are the classifiers, regressors and transformers of scikit-learn that have something to tune, and
    those of LightGBM, XGBoost and CatBoost. The space of a pipeline, and of other estimators that consist of
    estimators, is made of the spaces of the parts; a part that is not known stays as it is.

    Parameters
    ----------
    estimator : estimator object
        The estimator to tune. Parameters are searched also if the estimator sets them; delete them from the
        space to keep their values.
    X : array-like of shape (n_samples, n_features), default=None
        Training data. The space depends on the number of rows and features, and on the spread of the
        features, and has only values that work with the data; without them, parameters whose values are
        limited by the data are left out.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Target. The space depends on the number of classes or on the standard deviation.
    n_train : int, default=None
        Number of rows of the smallest training part. By default half of the rows, and never more.

    Returns
    -------
    space : dict or list of dict
        Parameter names and lists or distributions of `skhpt.distributions`, to print, to edit and to search.
        Parameters that depend on others, such as those of a kernel, are in branches: a list of dicts, with the
        most promising one first. The branches of several steps are combined; beyond 16 combinations, the step
        with the most branches loses its last one, again and again.

    Raises
    ------
    TypeError
        If the estimator is a class.
    ValueError
        If there is nothing to tune, or if the estimator is not known.

    See Also
    --------
    portfolio : Configurations that are good together.
    skhpt.Space : A space as an object, with samples and grids.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from skhpt.spaces import default_space
    >>> X, y = load_iris(return_X_y=True)
    >>> space = default_space(make_pipeline(PCA(), KNeighborsClassifier()), X, y)
    >>> for name, values in space.items():
    ...     print(name, values)
    pca__n_components quantized(truncated_lognormal(2.0, 0.92, 2.0, 4.0), 1)
    kneighborsclassifier__n_neighbors quantized(truncated_lognormal(10.0, 0.92, 1.0, 37.0), 1)
    kneighborsclassifier__weights ['uniform', 'distance']
    kneighborsclassifier__p [1, 2]
    """
    if isinstance(estimator, type):
        raise TypeError(f"estimator must be an instance, got the class {estimator.__name__}: add ()")
    summary = summarize(X, y, is_classification=is_classifier(estimator), n_train=n_train)
    branches = space_of_estimator(estimator, Data(X, y, summary)).branches
    if not any(branches):
        raise ValueError(_nothing_to_tune(estimator))
    return branches[0] if len(branches) == 1 else list(branches)


def _nothing_to_tune(estimator: Estimator) -> str:
    name = type(estimator).__name__
    steps = [
        type(step).__name__ for _, step in getattr(estimator, "steps", []) if hasattr(step, "get_params")
    ]
    of_steps = f" with the steps {', '.join(steps)}" if steps else ""
    return (
        f"there is no default space for {name}{of_steps}: it has nothing to tune, or is not known. Write a space, "
        "such as {'parameter': [1, 10, 100]}."
    )
