"""The estimator that predicts the mean of the best candidates of a search."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import r2_score
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skhpt._compat import Interval, StrOptions, fit_context
from skhpt._html import box, number, paragraph, params_text, seconds, table
from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.fitting.scorers import is_default_scorer
from skhpt.results.averaging import Probabilities, labels_of, mean_probabilities, weighted_mean
from skhpt.results.bias_correction import CorrectedScore


def _search_in(search: Any) -> Any:
    """Return the search itself, also of one that is frozen."""
    return search.estimator if isinstance(search, FrozenEstimator) else search


def _check_search(search: Any) -> None:
    """Check before anything is fitted that a search is one of this package, and that its candidates have a mean."""
    inner = _search_in(search)
    if not hasattr(inner, "_members"):
        raise TypeError(
            "search must be a search of skhpt, such as BayesSearchCV, or a FrozenEstimator with a fitted one, got "
            f"{search!r}"
        )
    if search is not inner:
        check_is_fitted(inner, "cv_results_")
    _check_predictions([inner.estimator])


def _check_predictions(estimators: Sequence[Estimator]) -> None:
    """Check that the predictions of estimators have a mean."""
    for estimator in estimators:
        if not is_regressor(estimator) and not (
            is_classifier(estimator) and hasattr(estimator, "predict_proba")
        ):
            raise ValueError(
                "an ensemble averages the predictions of regressors, or the probabilities of classifiers with "
                f"predict_proba, got {estimator!r}. CalibratedClassifierCV adds probabilities to a classifier."
            )


def _has_probabilities(ensemble: SearchEnsemble) -> bool:
    """Tell whether the members predict probabilities; before `fit`, whether the estimator of the search does."""
    estimators = getattr(ensemble, "estimators_", None) or [_search_in(ensemble.search).estimator]
    return is_classifier(ensemble) and hasattr(estimators[0], "predict_proba")


class SearchEnsemble(MetaEstimatorMixin, BaseEstimator):
    """Ensemble of the best candidates of a search: the weighted mean of their predictions.

    `fit` searches, and fits some of the best candidates on all data. The ensemble predicts the mean of their
    probabilities, or of their numbers in regression. Members are different candidates
    without failures, with all folds and all of the resource; candidates that differ only in parameters without
    effect are one member.

    A fit costs a fit of each member on all data besides the search, and a prediction the predictions of all members.

    Parameters
    ----------
    search : search of skhpt, or FrozenEstimator
        A search, which `fit` clones and fits, or a fitted search in a `sklearn.frozen.FrozenEstimator`, which is
        left as it is. Its estimator is a regressor, or a classifier with ``predict_proba``. With several metrics,
        its `refit` names the one that the candidates are ranked by.

    n_members : int, default=5
        Number of the best candidates; fewer if the search has fewer that are different.

    selection : {"best", "greedy"}, default="best"
        Rule that selects the members. "best" takes the `n_members` with the best mean scores, with equal weights.
        "greedy" is ensemble selection [1]_: it begins with these, and adds candidates one by one, also repeatedly,
        each time the one that makes the squared error of the mean of the out-of-fold predictions smallest (of
        probabilities, the Brier score), 20 times, of which the best counts. So there are `n_members` members or more,
        a median of eight. It needs a search with ``return_predictions=True``.

    Attributes
    ----------
    search_ : search
        The fitted search.

    estimators_ : list of estimator
        The members, fitted on all data, the best candidate first.

    weights_ : ndarray of shape (n_members,)
        Weight of each member in the mean; the sum is 1.

    candidates_ : ndarray of int, shape (n_members,)
        Rows of the members in ``search_.cv_results_``.

    refit_time_ : float
        Time that the fits of the members took, in seconds.

    corrected_score_ : CorrectedScore
        Expected score of the ensemble, corrected for the optimism of choosing its members, and its confidence
        interval. Only if the search has ``return_predictions=True``. It is computed at the first access.

    scorer_ : callable
        Scorer of the metric that the candidates are ranked by.

    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Class labels; those of each output if there are several. Only for a classifier.

    n_features_in_ : int
        Number of features seen during :term:`fit`. Only if the members have it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`. Only if the members have it.

    See Also
    --------
    sklearn.ensemble.VotingClassifier : Ensemble of given estimators.

    References
    ----------
    .. [1] Caruana, Niculescu-Mizil, Crew and Ksikes (2004), Ensemble selection from libraries of models.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skhpt import RandomSearch
    >>> from skhpt.ensemble import SearchEnsemble
    >>> X, y = load_diabetes(return_X_y=True)
    >>> space = {"max_depth": range(2, 8), "min_samples_leaf": range(1, 30)}
    >>> search = RandomSearch(DecisionTreeRegressor(random_state=0), space, n_iter=20, random_state=0)
    >>> ensemble = SearchEnsemble(search, n_members=3).fit(X, y)
    >>> len(ensemble.estimators_), ensemble.predict(X[:2]).shape
    (3, (2,))
    """

    _parameter_constraints: dict = {
        "search": "no_validation",  # checked in `fit`
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "selection": [StrOptions({"best", "greedy"})],
    }

    def __init__(self, search: Any, *, n_members: int = 5, selection: Literal["best", "greedy"] = "best"):
        self.search = search
        self.n_members = n_members
        self.selection = selection

    # -- fitting ---------------------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=False)  # the search is not validated yet
    def fit(self, X: ArrayLike, y: ArrayLike = None, **params: Any) -> Self:
        """Search, unless the search is frozen, and fit the best candidates on all data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target.
        **params : dict of str -> object
            As for the `fit` of the search: passed to the ``fit`` of the estimator, to the scorer and to the
            splitter.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        TypeError
            If `search` is not a search of skhpt.
        ValueError
            If the predictions of the candidates have no mean, or no candidate has a score.
        """
        _check_search(self.search)
        if self.selection == "greedy" and not _search_in(self.search).return_predictions:
            raise ValueError("selection='greedy' needs a search with return_predictions=True")
        if _routing_enabled():
            params = process_routing(self, "fit", **params).search.fit
        is_frozen = isinstance(self.search, FrozenEstimator)
        self.search_ = _search_in(self.search) if is_frozen else clone(self.search).fit(X, y, **params)
        members = self.search_._members(self.n_members, self.selection)
        _check_predictions([self.search_._unfitted_candidate(row) for row in members])
        self.candidates_ = np.array(list(members))
        self.weights_ = np.array(list(members.values()))
        self._fit_members(list(members), X, y, params)
        self._is_multilabel = _n_columns(y) > 1
        self._corrected: CorrectedScore | None = None
        self._metric = self.search_._metric_that_decides()
        scorer = self.search_.scorer_
        self.scorer_ = scorer[self._metric] if isinstance(scorer, dict) else scorer
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(self.estimators_[0], name):
                setattr(self, name, getattr(self.estimators_[0], name))
        return self

    def _fit_members(self, rows: Sequence[int], X: ArrayLike, y: ArrayLike, params: Params) -> None:
        search, start = self.search_, time.perf_counter()
        fitted: dict[int, Estimator] = {}
        if search is not _search_in(self.search) and hasattr(search, "best_estimator_"):
            fitted[search.best_index_] = search.best_estimator_  # fitted on the same data a moment ago
        missing = [row for row in rows if row not in fitted]
        fitted |= zip(missing, search._refit_rows(missing, X, y, params), strict=True)
        self.estimators_ = [fitted[row] for row in rows]
        self.refit_time_ = time.perf_counter() - start
        if len(missing) < len(rows):
            self.refit_time_ += search.refit_time_

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata routing: what `fit` and `score` get goes to the search.

        Returns
        -------
        routing : MetadataRouter
            Routing information.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit").add(caller="score", callee="score")
        return MetadataRouter(owner=self).add(search=_search_in(self.search), method_mapping=mapping)

    # -- predicting ------------------------------------------------------------------------------------------

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the mean of the members' numbers, or the class with the highest mean probability.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions.
        """
        check_is_fitted(self)
        if _has_probabilities(self):
            return labels_of(self.predict_proba(X), self.classes_, multilabel=self._is_multilabel)
        return weighted_mean([estimator.predict(X) for estimator in self.estimators_], self.weights_)

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> Probabilities:
        """Predict the mean of the members' probabilities.

        Only for classifiers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), or list of ndarray
            Probabilities; a list with those of each output if the members predict one.
        """
        check_is_fitted(self)
        return mean_probabilities(
            [estimator.predict_proba(X) for estimator in self.estimators_], self.weights_
        )

    def score(self, X: ArrayLike, y: ArrayLike = None, **params: Any) -> float:
        """Return the score by the metric that the candidates are ranked by.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target.
        **params : dict of str -> object
            Parameters of the scorer; only with metadata routing.

        Returns
        -------
        score : float
            Score by `scoring` of the search. Without it, accuracy or R2; with several outputs of a classifier,
            the share of rows with all outputs right.
        """
        check_is_fitted(self)
        if params and not _routing_enabled():
            raise ValueError(
                f"score takes further arguments only with enable_metadata_routing=True, got {sorted(params)}"
            )
        if params:
            params = process_routing(self, "score", **params).search.score
            params = process_routing(self.search_, "score", **params).scorer.score
        scorer = _default_score if is_default_scorer(self.scorer_) else self.scorer_
        score = scorer(self, X, y, **params)
        return float(score[self._metric] if isinstance(score, dict) else score)

    @property
    def corrected_score_(self) -> CorrectedScore:
        """Expected score of the ensemble, corrected for the optimism of choosing the best of many."""
        check_is_fitted(self)
        if self._corrected is None:
            members = dict(zip(self.candidates_.tolist(), self.weights_.tolist(), strict=True))
            try:
                self._corrected = self.search_._corrected_score_of(members, self.n_members, self.selection)
            except ValueError as error:
                raise AttributeError(f"there is no corrected_score_: {error}") from error
        return self._corrected

    # -- conventions -----------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        of_search = deepcopy(get_tags(self.search))
        for name in ("estimator_type", "target_tags", "classifier_tags", "regressor_tags", "input_tags"):
            setattr(tags, name, getattr(of_search, name))
        return tags

    @property
    def _repr_html_(self) -> Callable[[], str]:
        diagram = super()._repr_html_  # raises AttributeError unless diagrams are shown
        return lambda: self._members_html() + diagram()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """Return what IPython shows, as text and as HTML."""
        shown: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        if hasattr(self, "estimators_"):
            shown["text/plain"] += f"\n{self._cost()}"
        if "text/html" in shown:
            shown["text/html"] = self._members_html() + shown["text/html"]
        return shown

    def _cost(self) -> str:
        n = len(self.estimators_)
        return f"{n} members, fitted in {seconds(self.refit_time_)}; a prediction takes {n} predictions"

    def _members_html(self) -> str:
        if not hasattr(self, "estimators_"):
            return ""
        results = self.search_.cv_results_
        rows = []
        for row, weight in zip(self.candidates_, self.weights_, strict=True):
            score = results[f"mean_test_{self._metric}"][row]
            rows.append([row, number(score), number(weight), params_text(results["params"][row])])
        head = ["candidate", f"mean_test_{self._metric}", "weight", "parameters"]
        return box("Ensemble of the best candidates", table(head, rows), paragraph(self._cost()))


def _default_score(ensemble: SearchEnsemble, X: ArrayLike, y: ArrayLike, **params: Any) -> float:
    """Return what the ``score`` of scikit-learn's classifiers and regressors returns."""
    predicted = ensemble.predict(X)
    if is_regressor(ensemble):
        return float(r2_score(y, predicted, **params))
    is_right = np.asarray(y).reshape(predicted.shape) == predicted
    if is_right.ndim > 1:  # several outputs, as in `MultiOutputClassifier.score`
        is_right = is_right.all(axis=1)
    return float(np.average(is_right, weights=params.get("sample_weight")))


def _routing_enabled() -> bool:
    return bool(get_config()["enable_metadata_routing"])


def _n_columns(y: ArrayLike) -> int:
    """Return the number of columns of the targets; 1 for targets without columns."""
    shape: tuple[int, ...] = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    return shape[1] if len(shape) > 1 else 1
