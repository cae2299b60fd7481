"""Spaces of transformers."""

from __future__ import annotations

import math
from typing import Any

from skhpt._typing import Params
from skhpt.spaces.data import DataSummary
from skhpt.spaces.kernels import gamma
from skhpt.spaces.ranges import around, count, share
from skhpt.spaces.registry import Branches, space_of

#: Largest number of features that polynomials make.
MAX_POLYNOMIALS = 3000


# -- fewer features ------------------------------------------------------------------------------------------


def _components(data: DataSummary, most: int | None) -> dict[str, Any]:
    """Return the space of a number of components; an empty one if it is not known how many there can be."""
    if most is None or most < 2:
        return {}
    least, most = (1 if most < 4 else 2), min(most, 300)
    return {"n_components": count(min(most / 2, 30), 2.5, least, most)}


def _rank(data: DataSummary) -> int | None:
    """Return the largest number of components that the training data have."""
    if data.n_features is None:
        return None
    return data.n_features if data.n_train is None else min(data.n_features, data.n_train)


def _below(most: int | None, is_strict: bool) -> int | None:
    return most - 1 if most is not None and is_strict else most


@space_of("PCA")
def principal_components(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of principal components: their number, or else their share of the variance."""
    if data.n_features is None or data.n_train is None:
        is_full = own["svd_solver"] in ("auto", "full", "covariance_eigh")
        return {"n_components": share(0.9, 0.3, 0.999)} if is_full else {}
    return _components(data, _below(_rank(data), own["svd_solver"] == "arpack"))


@space_of("TruncatedSVD")
def truncated_svd(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a truncated decomposition."""
    return _components(data, _below(_rank(data), own["algorithm"] == "arpack"))


@space_of(
    "IncrementalPCA", "FastICA", "FactorAnalysis", "NMF", "MiniBatchNMF", "NeighborhoodComponentsAnalysis"
)
@space_of("SparsePCA", "MiniBatchSparsePCA", "GaussianRandomProjection", "SparseRandomProjection")
def components(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a decomposition into components."""
    most = _rank(data)
    if own.get("batch_size") and most is not None and own["batch_size"] != "auto":
        most = min(most, int(own["batch_size"]))
    return _components(data, most)


@space_of("LatentDirichletAllocation")
def topics(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a topic model."""
    return {"n_components": count(20, 2.5, 2, 200)}


@space_of("BernoulliRBM")
def boltzmann_machine(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a Boltzmann machine."""
    return {"n_components": count(100, 2, 10, 500), "learning_rate": around(0.03, 3, 1e-3, 0.3)}


@space_of("KernelPCA")
def kernel_components(own: Params, data: DataSummary) -> Branches:
    """Return the space of the components of a kernel."""
    known = _components(data, None if data.n_train is None else min(100, data.n_train - 1))
    if own["kernel"] not in ("linear", "poly", "rbf", "sigmoid", "cosine"):
        return [known]
    return [{"kernel": ["rbf"], "gamma": gamma(data), **known}, {"kernel": ["cosine"], **known}]


@space_of("Isomap")
def isomap(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a map that keeps distances along neighbours."""
    if own["radius"] is not None:
        return {}
    return {"n_neighbors": count(10, 1.7, 3, max(3, data.rows(0.3, 50)))}


@space_of("FeatureAgglomeration")
def feature_clusters(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of clusters of features."""
    if data.n_features is None or own["distance_threshold"] is not None:
        return {}
    return {"n_clusters": count(data.n_features / 2, 2, 1, min(data.n_features, 500))}


@space_of("KMeans", "MiniBatchKMeans", "BisectingKMeans")
def clusters(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of clusters whose distances are features; as the last step, their score has no maximum."""
    if data.is_last:
        return {}
    return {"n_clusters": count(20, 2, 2, max(2, data.rows(0.2, 200)))}


# -- selection of features -----------------------------------------------------------------------------------


@space_of("SelectKBest")
def best_features(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a number of features."""
    if data.n_features is None:
        return {}
    most = data.n_features
    return {"k": count(most / 2, 2.5, 1, most)} if most > 1 else {"k": ["all"]}


@space_of("SelectPercentile")
def best_share(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a share of the features, of which at least one remains."""
    return {"percentile": count(40, 2.5, _least_percentile(data), 100)}


@space_of("GenericUnivariateSelect")
def univariate_selection(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a selection by single features."""
    return {"mode": ["percentile"], "param": count(40, 2.5, _least_percentile(data), 100)}


def _least_percentile(data: DataSummary) -> int:
    return 10 if data.n_features is None else min(100, math.ceil(100 / data.n_features))


@space_of("SelectFromModel")
def features_of_model(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a selection by importance, of which at least one feature remains."""
    return {"threshold": ["mean", "0.5*mean", "median"]}


@space_of("RFE")
def eliminated_features(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a recursive elimination."""
    if data.n_features is None:
        return {"n_features_to_select": share(0.7, 0.5, 0.95)}
    return {"n_features_to_select": count(data.n_features / 2, 2, 1, data.n_features)}


@space_of("SequentialFeatureSelector")
def sequential_selection(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a sequential selection, which keeps fewer features than there are."""
    if data.n_features is None or data.n_features < 3:
        return {}
    return {"n_features_to_select": count(data.n_features / 2, 2, 1, data.n_features - 1)}


# -- more features -------------------------------------------------------------------------------------------


@space_of("PolynomialFeatures")
def polynomials(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of polynomials, with few enough of them."""
    if data.n_features is None:
        return {"degree": [1, 2]}
    degrees = [
        d for d in (1, 2, 3) if math.comb(data.n_features + d, d) <= max(MAX_POLYNOMIALS, data.n_features + 1)
    ]
    return {"degree": degrees}


@space_of("SplineTransformer")
def splines(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of splines."""
    space: dict[str, Any] = {"degree": [1, 2, 3]}
    return space | ({"n_knots": count(5, 1.6, 2, 20)} if isinstance(own["knots"], str) else {})


@space_of("KBinsDiscretizer")
def bins(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of bins."""
    space: dict[str, Any] = {"strategy": ["quantile", "uniform"]}
    return space | (
        {"n_bins": count(6, 1.7, 2, max(3, data.rows(0.2, 50)))} if isinstance(own["n_bins"], int) else {}
    )


@space_of("Nystroem")
def nystroem(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of an approximate kernel, whose components are training rows."""
    space = {"n_components": count(100, 2, 2, data.rows(1.0, 500))}
    return space | ({"gamma": gamma(data)} if own["kernel"] in ("rbf", "laplacian") else {})


@space_of("RBFSampler")
def random_kernel_features(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of random features of a kernel."""
    return {"gamma": gamma(data), "n_components": count(150, 2, 20, 1000)}


@space_of("PolynomialCountSketch")
def polynomial_sketch(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a sketch of polynomials."""
    return {"degree": [2, 3], "gamma": gamma(data), "n_components": count(150, 2, 20, 1000)}


@space_of("AdditiveChi2Sampler")
def additive_kernel_features(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of the features of an additive kernel."""
    return {"sample_steps": [1, 2, 3]} if own["sample_interval"] is None else {}


@space_of("RandomTreesEmbedding")
def leaves_of_trees(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of the leaves of random trees."""
    return {"n_estimators": count(100, 1.8, 10, 400), "max_depth": count(5, 1.4, 2, 10)}


# -- missing values, categories, scales ----------------------------------------------------------------------


@space_of("SimpleImputer")
def imputation(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of an imputation; means and medians are those of numbers."""
    if own["strategy"] not in ("mean", "median"):
        return {"add_indicator": [False, True]}
    return {"strategy": ["mean", "median"], "add_indicator": [False, True]}


@space_of("KNNImputer")
def imputation_by_neighbors(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of an imputation by neighbours."""
    return {"n_neighbors": count(7, 2, 1, data.rows(0.5, 50)), "weights": ["uniform", "distance"]}


@space_of("OneHotEncoder")
def indicators_of_categories(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of indicators; the rarest categories become one."""
    if own.get("max_categories") is not None or own.get("drop") is not None:
        return {}
    frequencies = [n for n in (1, 3, 10, 30) if n <= data.rows(0.05, 600)]
    return {"min_frequency": frequencies} if len(frequencies) > 1 else {}


@space_of("TargetEncoder")
def means_of_target(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of the means of the target by category."""
    return {"smooth": around(10, 5, 0.1, 1000)}


@space_of("QuantileTransformer")
def quantiles(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a transformation to quantiles."""
    n_quantiles = count(100, 3, 5, max(5, data.rows(1.0, 1000)))
    return {"output_distribution": ["uniform", "normal"], "n_quantiles": n_quantiles}


@space_of("Normalizer")
def norms(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a norm."""
    return {"norm": ["l2", "l1", "max"]}


# -- texts ---------------------------------------------------------------------------------------------------

#: Settings under which the words of the summary of the data are words of the vocabulary.
_PLAIN = {
    "analyzer": "word",
    "lowercase": True,
    "max_df": 1.0,
    "preprocessor": None,
    "stop_words": None,
    "token_pattern": r"(?u)\b\w\w+\b",
    "tokenizer": None,
    "vocabulary": None,
}


def _words(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of the vocabulary. A word must remain in each training part."""
    space: dict[str, Any] = {}
    if isinstance(own["analyzer"], str):
        space["ngram_range"] = [(1, 1), (1, 2)] if own["analyzer"] == "word" else [(2, 4), (3, 5)]
    is_plain = all(own.get(name) == value for name, value in _PLAIN.items())
    if is_plain and data.n_lost is not None:
        space["min_df"] = [1, *(n for n in (2, 5) if data.most_frequent >= n + data.n_lost)]
    return space


@space_of("CountVectorizer")
def counts_of_words(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of counts of words."""
    return _words(own, data) | {"binary": [False, True]}


@space_of("TfidfVectorizer")
def weights_of_words(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of weights of words."""
    return _words(own, data) | {"sublinear_tf": [False, True]}


@space_of("HashingVectorizer")
def hashed_words(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of hashed words."""
    ranges = {"word": [(1, 1), (1, 2)], "char": [(2, 4), (3, 5)], "char_wb": [(2, 4), (3, 5)]}
    known = own["analyzer"] if isinstance(own["analyzer"], str) else ""
    return {"ngram_range": ranges[known]} if known in ranges else {}


@space_of("TfidfTransformer")
def weights_of_counts(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of weights of counts; negative numbers, which are no counts, have no logarithm."""
    space: dict[str, Any] = {"use_idf": [True, False]}
    return space if data.has_negative else space | {"sublinear_tf": [False, True]}
