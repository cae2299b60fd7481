"""Out-of-fold predictions and corrected scores of models with several outputs.

A corrected score is computed from predictions only if these give the recorded scores of the folds.
"""

import numpy as np
import pytest
from scipy import sparse
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, make_multilabel_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch
from skhpt.journal import read_journal

X, LABELS = make_multilabel_classification(90, n_classes=3, random_state=0)
#: Several outputs with classes of their own.
OUTPUTS = np.column_stack([LABELS.sum(axis=1), np.arange(90) % 2])
BAYES, SMOOTHING = GaussianNB(), {"estimator__var_smoothing": [1e-9, 1.0]}


@pytest.fixture(autouse=True)
def few_calls(monkeypatch):
    monkeypatch.setattr("skhpt.search.corrected_score.affordable_bootstraps", lambda *args: 10)


class OwnForest(ClassifierMixin, BaseEstimator):
    """Returns a list of probabilities, as forests do, and a tuple of classes."""

    def __init__(self, max_depth=2):
        self.max_depth = max_depth

    def fit(self, X, y):
        tree = DecisionTreeClassifier(max_depth=self.max_depth, random_state=0)
        self.trees_ = MultiOutputClassifier(tree).fit(X, y)
        self.classes_ = tuple(self.trees_.classes_)
        return self

    def predict(self, X):
        return self.trees_.predict(X)

    def predict_proba(self, X):
        return self.trees_.predict_proba(X)


def probability_of_first_output(estimator, X, y):
    probabilities = estimator.predict_proba(X)
    return float(probabilities[0][np.arange(len(y)), np.searchsorted(estimator.classes_[0], y[:, 0])].mean())


def fitted(estimator, grid, y, scoring=None, **params):
    search = GridSearch(estimator, grid, scoring=scoring, cv=KFold(3), return_predictions=True)
    return search.set_params(**params).fit(X, y)


TREE, DEPTHS = DecisionTreeClassifier(random_state=0), {"max_depth": [1, 3]}
ESTIMATORS = [
    (TREE, DEPTHS),
    (KNeighborsClassifier(), {"n_neighbors": [2, 4]}),
    (OwnForest(), DEPTHS),
    (MultiOutputClassifier(BAYES), SMOOTHING),
    (ClassifierChain(BAYES), SMOOTHING),
    (OneVsRestClassifier(LinearSVC(random_state=0)), {"estimator__C": [0.1, 1]}),
    (make_pipeline(StandardScaler(), TREE), {"decisiontreeclassifier__max_depth": [1, 3]}),
]


@pytest.mark.parametrize("scoring", [None, "f1_micro", "roc_auc"])
@pytest.mark.parametrize("estimator, grid", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_multi_label_classifiers(estimator, grid, scoring):
    search = fitted(estimator, grid, LABELS, scoring)
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=0.1)


@pytest.mark.parametrize(
    "scoring",
    [
        make_scorer(metrics.hamming_loss, greater_is_better=False),
        make_scorer(metrics.label_ranking_loss, response_method="decision_function", greater_is_better=False),
        make_scorer(
            metrics.coverage_error,
            response_method=("decision_function", "predict_proba"),
            greater_is_better=False,
        ),
        lambda estimator, X, y: metrics.f1_score(y[:, 0], estimator.predict(X)[:, 0]),
    ],
)
def test_scorers_of_decision_values(scoring):
    search = fitted(RidgeClassifier(), {"alpha": [0.1, 10]}, LABELS, scoring)
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=0.1)


@pytest.mark.parametrize("y", [LABELS[:, 0], np.array(["a", "b", "c", "d"])[OUTPUTS[:, 0]]])
def test_a_metric_of_decision_values_beside_probabilities(y):
    hinge = make_scorer(metrics.hinge_loss, response_method="decision_function", greater_is_better=False)
    for scoring in (hinge, {"hinge": hinge, "accuracy": "accuracy"}):
        refit = "hinge" if isinstance(scoring, dict) else True
        search = fitted(LinearDiscriminantAnalysis(), {"tol": [1e-4]}, y, scoring, refit=refit)
        assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, rel=0.01)
        assert search.out_of_fold_predictions().sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("estimator, grid", ESTIMATORS[:4], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("texts", [False, True])
def test_several_outputs_with_classes_of_their_own(estimator, grid, texts):
    y = np.array(["a", "b", "c", "d"])[OUTPUTS] if texts else OUTPUTS
    search = fitted(estimator, grid, y, probability_of_first_output)
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=0.1)
    predictions = search.out_of_fold_predictions()
    assert predictions.shape == (90, 2)
    assert set(predictions[:, 0]) <= set(y[:, 0])


def test_the_own_score_of_several_outputs():
    search = fitted(MultiOutputClassifier(BAYES), SMOOTHING, OUTPUTS)
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=0.1)
    right = (search.out_of_fold_predictions() == OUTPUTS).all(axis=1).mean()
    assert search.corrected_score_.pooled_score == pytest.approx(right)


def test_a_label_that_a_training_part_lacks():
    y = LABELS.copy()
    y[:, 1] = np.arange(90) < 30  # no model knows the label of the first test part
    search = fitted(TREE, DEPTHS, y, probability_of_first_output)
    assert np.isfinite(search.corrected_score_.score)
    known = [[len(each) for each in fold.predictions.classes] for fold in search.history_.finished[0].folds]
    assert known == [[2, 1, 2], [2, 2, 2], [2, 2, 2]]


@pytest.mark.parametrize("as_matrix", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_labels(as_matrix):
    search = fitted(
        OneVsRestClassifier(RidgeClassifier()), {"estimator__alpha": [1]}, as_matrix(LABELS), "f1_micro"
    )
    dense = fitted(OneVsRestClassifier(RidgeClassifier()), {"estimator__alpha": [1]}, LABELS, "f1_micro")
    assert search.best_score_ == dense.best_score_
    assert search.corrected_score_ == dense.corrected_score_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_indicators_of_a_neural_network():
    search = fitted(
        make_pipeline(StandardScaler(), MLPClassifier((4,), solver="lbfgs", max_iter=9, random_state=0)),
        {"mlpclassifier__alpha": [1, 10]},
        LABELS,
        "f1_micro",
    )
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=0.1)


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error", "r2"])
@pytest.mark.parametrize("estimator", [Ridge(), MultiOutputRegressor(Ridge())])
def test_regression_with_weights(estimator, scoring):
    X, y = load_diabetes(return_X_y=True)
    y = np.column_stack([y, np.sqrt(y)])
    name = "alpha" if isinstance(estimator, Ridge) else "estimator__alpha"
    search = GridSearch(estimator, {name: [0.1, 1]}, scoring=scoring, cv=3, return_predictions=True)
    search.fit(X, y)
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, rel=0.1)


def test_a_journal_keeps_the_predictions_of_each_output(tmp_path):
    path = tmp_path / "search.jsonl"
    first = fitted(TREE, DEPTHS, OUTPUTS, probability_of_first_output, journal=path)
    again = fitted(TREE, DEPTHS, OUTPUTS, probability_of_first_output, journal=path)
    assert again.corrected_score_ == first.corrected_score_
    assert len(read_journal(path).history.finished) == 2
    np.testing.assert_array_equal(again.out_of_fold_predictions(), first.out_of_fold_predictions())


def test_targets_in_an_array_of_objects():
    pd = pytest.importorskip("pandas")
    y = pd.Series(LABELS[:, 0]).astype("Int64")
    search = fitted(TREE, DEPTHS, y, "accuracy")
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=1e-6)
    numbers = pd.Series(X[:, 0]).astype("Float64")
    search = fitted(LinearRegression(), {"fit_intercept": [True]}, numbers, "neg_mean_squared_error")
    assert search.corrected_score_.pooled_score == pytest.approx(search.best_score_, abs=1e-6)


@pytest.mark.filterwarnings("ignore:A column-vector y|y is a column-vector")
@pytest.mark.parametrize("estimator, grid", [(TREE, DEPTHS), (Ridge(), {"alpha": [0.1, 1]})])
def test_a_target_in_a_column_equals_one_without(estimator, grid):
    flat = fitted(estimator, grid, LABELS[:, 0]).corrected_score_
    column = fitted(estimator, grid, LABELS[:, :1]).corrected_score_
    assert column.score == pytest.approx(flat.score)
    assert column.pooled_score == pytest.approx(flat.pooled_score)
