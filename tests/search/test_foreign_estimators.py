"""HyperbandSearchCV with estimators that it does not know: only exact known classes are taken apart."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skhpt import HyperbandSearchCV

pytestmark = pytest.mark.filterwarnings("ignore:with .* candidates rank differently")

#: The last column marks rows with the wrong label, which the estimators below leave out of their training.
X = np.column_stack([np.random.default_rng(0).normal(size=(240, 3)), np.arange(240) % 3 > 0])
TRUE = (X[:, 0] > 0).astype(int)
Y = np.where(X[:, 3] == 1, 1 - TRUE, TRUE)


def score_on_right_labels(estimator, X, y):
    right = X[:, -1] == 0
    return estimator.score(X[right], y[right])


def right_rows(X, y):
    right = X[:, -1] == 0
    return X[right], y[right]


class CleaningPipeline(Pipeline):
    def fit(self, X, y=None, **params):
        return super().fit(*right_rows(X, y), **params)


class CleaningSGD(SGDClassifier):
    def fit(self, X, y):
        return super().fit(*right_rows(X, y))


class CleaningForest(RandomForestClassifier):
    def fit(self, X, y):
        return super().fit(*right_rows(X, y))


class CleaningBoosting(HistGradientBoostingClassifier):
    def fit(self, X, y):
        return super().fit(*right_rows(X, y))


class DuckPipeline(ClassifierMixin, BaseEstimator):
    """Has `steps`, as a pipeline has, and keeps the last one to itself."""

    def __init__(self, alpha=1e-4):
        self.alpha = alpha
        self.steps = [("scale", StandardScaler()), ("clf", SGDClassifier(max_iter=9))]

    def fit(self, X, y):
        self.model_ = make_pipeline(
            StandardScaler(), SGDClassifier(alpha=self.alpha, max_iter=9, tol=None, random_state=0)
        )
        self.model_.fit(*right_rows(X, y))
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


SGD = SGDClassifier(max_iter=20, tol=None, random_state=0)
ALPHAS = {"alpha": [1e-4, 1e-3, 1e-2]}
FOREIGN = [
    (CleaningPipeline([("scale", StandardScaler()), ("clf", SGD)]), {"clf__alpha": [1e-4, 1e-3, 1e-2]}),
    (
        make_pipeline(FunctionTransformer(), CleaningPipeline([("clf", SGD)])),
        {"cleaningpipeline__clf__alpha": [1e-4, 1e-3, 1e-2]},
    ),
    (
        CleaningPipeline([("clf", RandomForestClassifier(5, random_state=0))]),
        {"clf__max_depth": [2, 4, 6]},
    ),
    (CleaningSGD(max_iter=20, tol=None, random_state=0), ALPHAS),
    (CleaningForest(5, random_state=0), {"max_depth": [2, 4, 6]}),
    (CleaningBoosting(max_iter=9, random_state=0), {"max_depth": [2, 4, 6]}),
    (DuckPipeline(), ALPHAS),
]


@pytest.mark.parametrize("resource", ["auto", "n_samples", "folds"])
@pytest.mark.parametrize("estimator, space", FOREIGN, ids=lambda one: type(one).__name__)
def test_the_fit_of_an_unknown_class_is_called(estimator, space, resource):
    search = HyperbandSearchCV(
        estimator,
        space,
        n_candidates=3,
        cv=3,
        scoring=score_on_right_labels,
        random_state=0,
        resource=resource,
    )
    search.fit(X, Y)
    assert search.best_score_ > 0.85
    assert score_on_right_labels(search.best_estimator_, X, Y) > 0.9
    if resource == "auto":
        assert search.resource_ == "folds"


@pytest.mark.parametrize(
    "estimator, space, resource",
    [
        (CleaningForest(5, random_state=0), {"max_depth": [2, 4, 6]}, "n_estimators"),
        (CleaningBoosting(max_iter=9, random_state=0), {"max_depth": [2, 4, 6]}, "max_iter"),
        (
            CleaningPipeline([("clf", RandomForestClassifier(5, random_state=0))]),
            {"clf__max_depth": [2, 4, 6]},
            "clf__n_estimators",
        ),
    ],
)
def test_a_parameter_of_an_unknown_class_is_a_resource_that_is_trained_anew(estimator, space, resource):
    search = HyperbandSearchCV(
        estimator,
        space,
        n_candidates=3,
        cv=3,
        scoring=score_on_right_labels,
        random_state=0,
        resource=resource,
    )
    search.fit(X, Y)
    assert search.best_score_ > 0.85
    assert not search.cv_results_["resumed_from"].any()
    assert search.best_estimator_.get_params()[resource] in (5, 9)


@pytest.mark.parametrize(
    "estimator, space, reason",
    [
        (FOREIGN[0][0], FOREIGN[0][1], "CleaningPipeline, a subclass of Pipeline .* has not"),
        (DuckPipeline(), ALPHAS, "partial_fit, which DuckPipeline has not"),
    ],
)
def test_epochs_of_an_unknown_pipeline_are_refused(estimator, space, reason):
    with pytest.raises(ValueError, match=reason):
        HyperbandSearchCV(estimator, space, resource="epochs").fit(X, Y)


def test_epochs_warn_if_they_leave_out_the_fit_of_a_subclass():
    search = HyperbandSearchCV(CleaningSGD(max_iter=9), ALPHAS, n_candidates=2, resource="epochs", cv=3)
    with pytest.warns(UserWarning, match="the fit of CleaningSGD is not called. Define its partial_fit"):
        search.fit(X, Y)


def test_the_own_partial_fit_of_a_subclass_is_called():
    class CleaningEpochs(CleaningSGD):
        def fit(self, X, y):
            pytest.fail("fitted")

        def partial_fit(self, X, y, **params):
            return super().partial_fit(*right_rows(X, y), **params)

    search = HyperbandSearchCV(
        CleaningEpochs(max_iter=9, random_state=0),
        ALPHAS,
        n_candidates=3,
        resource="epochs",
        cv=3,
        scoring=score_on_right_labels,
    )
    assert search.fit(X, Y).best_score_ > 0.85


# -- epochs of several outputs, and of classes that take other arguments ---------------------------------------


class Counting(ClassifierMixin, BaseEstimator):
    """Counts its calls of ``partial_fit``."""

    def __init__(self, value=0.5):
        self.value = value

    def fit(self, X, y, sample_weight=None):
        pytest.fail("fitted")

    def count(self, **given):
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        self.given_ = given
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def score(self, X, y):
        return self.value + self.n_calls_


class KeywordOnly(Counting):
    def partial_fit(self, X, y, *, classes, sample_weight=None):
        return self.count(classes=classes, sample_weight=sample_weight)


class WithoutClasses(Counting):
    def partial_fit(self, X, y):
        return self.count()


class PassesOn(KeywordOnly):
    def partial_fit(self, *args, **params):
        return super().partial_fit(*args, **params)


class NotAClassifier(BaseEstimator):
    def __init__(self, value=0.5):
        self.value = value

    def partial_fit(self, X):
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        return self

    fit = partial_fit

    def score(self, X, y=None):
        return self.value + self.n_calls_


@pytest.mark.parametrize("kind", [KeywordOnly, WithoutClasses, PassesOn])
def test_partial_fit_gets_the_classes_that_it_takes(kind):
    search = HyperbandSearchCV(
        kind(), {"value": stats.uniform(0, 1)}, n_candidates=3, resource="epochs", max_resources=9, cv=3
    )
    search.fit(X, Y)
    assert search.best_estimator_.n_calls_ == 9
    classes = search.best_estimator_.given_.get("classes")
    assert classes is None if kind is WithoutClasses else list(classes) == [0, 1]


@pytest.mark.filterwarnings("ignore:The scoring PassesOn.score does not support sample_weight")
def test_partial_fit_of_a_wrapped_argument_gets_its_weights():
    search = HyperbandSearchCV(
        PassesOn(), {"value": [0.1, 0.2]}, n_candidates=2, resource="epochs", max_resources=3, cv=3
    )
    search.fit(X, Y, sample_weight=np.ones(240))
    assert len(search.best_estimator_.given_["sample_weight"]) == 240


def test_partial_fit_without_a_target():
    search = HyperbandSearchCV(
        NotAClassifier(), {"value": [0.1, 0.2]}, n_candidates=2, resource="epochs", max_resources=9, cv=3
    )
    assert search.fit(X).best_estimator_.n_calls_ == 9


def test_every_class_of_each_output_is_known_from_the_first_epoch():
    texts = np.array(["a", "b", "c"])[np.arange(240) // 80]
    targets = {
        "classes": np.column_stack([np.arange(240) // 80, Y]),
        "labels": np.column_stack([TRUE, Y, 1 - Y]),
        "frame": pd.DataFrame({"text": texts, "other": np.array(["x", "y"])[Y]}, index=np.arange(240)[::-1]),
    }
    for y in targets.values():
        search = HyperbandSearchCV(
            MultiOutputClassifier(SGDClassifier(loss="log_loss", max_iter=3, random_state=0)),
            {"estimator__alpha": [1e-4, 1e-2]},
            n_candidates=2,
            resource="epochs",
            cv=3,
        ).fit(X, y)
        model = search.best_estimator_
        assert search.max_resources_ == 3
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        for fitted, column in zip(model.classes_, np.asarray(y).T, strict=True):
            assert list(fitted) == list(np.unique(column))
        assert [list(one) for one in search.classes_] == [list(one) for one in model.classes_]
    search = HyperbandSearchCV(
        MultiOutputRegressor(SGDRegressor(random_state=0)), {"estimator__alpha": [1e-4, 1e-2]}, n_candidates=2
    )
    search.set_params(resource="epochs", max_resources=3, cv=3).fit(X, X[:, :2])
    assert search.best_score_ > 0.5


def test_candidates_that_choose_the_last_step_get_the_classes_that_it_takes():
    steps = [
        MLPClassifier((4,), random_state=0),
        SGDClassifier(random_state=0),
        GaussianNB(),
        WithoutClasses(),
    ]
    search = HyperbandSearchCV(
        Pipeline([("scale", StandardScaler()), ("clf", GaussianNB())]),
        {"clf": steps},
        n_candidates=4,
        resource="epochs",
        max_resources=3,
        schedule="halving",
        min_resources=3,
        cv=3,
    ).fit(X, TRUE)
    assert (search.cv_results_["state"] == "ok").all()
    assert len(search.cv_results_["state"]) >= 4


def test_a_transformer_passes_the_classes_on():
    search = HyperbandSearchCV(
        make_pipeline(StandardScaler(), SelectFromModel(SGDClassifier(random_state=0))),
        {"selectfrommodel__estimator__alpha": [1e-4, 1e-2]},
        n_candidates=2,
        scoring=lambda estimator, X, y: estimator.transform(X).shape[1],
        resource="epochs",
        max_resources=3,
        cv=3,
    ).fit(X, Y)
    assert (search.cv_results_["state"] == "ok").all()


@pytest.mark.parametrize("y", [np.column_stack([TRUE, Y]), sparse.csr_matrix(np.column_stack([TRUE, Y]))])
def test_several_outputs_that_partial_fit_refuses(y):
    search = HyperbandSearchCV(OneVsRestClassifier(SGD), {"estimator__alpha": [1, 2]}, resource="epochs")
    with pytest.raises(ValueError, match="needs y with one output"):
        search.fit(X, y)


def test_a_pipeline_without_a_last_estimator():
    search = HyperbandSearchCV(
        Pipeline([("scale", StandardScaler()), ("last", "passthrough")]),
        {"scale__with_mean": [True, False]},
        n_candidates=2,
        scoring=lambda estimator, X, y=None: estimator.transform(X).mean(),
    )
    assert search.fit(X).resource_ == "folds"


# -- parameters that get_params does not show ----------------------------------------------------------------


class HidesTrees(ClassifierMixin, BaseEstimator):
    """Shows its number of trees only once it is set, as CatBoost does."""

    def __init__(self, quality=0.5, n_trees=None):
        self.quality = quality
        self.n_trees = n_trees

    def get_params(self, deep=True):
        params = super().get_params(deep)
        return params if self.n_trees is not None else {"quality": params["quality"]}

    def set_params(self, **params):
        unknown = params.keys() - {"quality", "n_trees"}
        if unknown:
            raise ValueError(f"unknown: {unknown}")
        vars(self).update(params)
        return self

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def score(self, X, y):
        return self.quality - 1 / (self.n_trees or 1000)


class HidesSteps(HidesTrees):
    """Accepts a setting that is no argument of its constructor."""

    def set_params(self, *, n_steps=None, **params):
        self.n_trees = n_steps or self.n_trees
        return super().set_params(**params)


@pytest.mark.parametrize(
    "estimator, resource",
    [
        (HidesTrees(), "n_trees"),
        (make_pipeline(StandardScaler(), HidesTrees()), "hidestrees__n_trees"),
        (HidesSteps(), "n_steps"),
    ],
)
def test_a_parameter_that_is_hidden_until_it_is_set_is_a_resource(estimator, resource):
    prefix = resource.rpartition("__")[0]
    space = {f"{prefix}__quality" if prefix else "quality": [0.1, 0.2, 0.3]}
    search = HyperbandSearchCV(estimator, space, n_candidates=3, resource=resource, max_resources=9, cv=3)
    search.fit(X, Y)
    assert search.best_score_ == pytest.approx(0.3 - 1 / 9)
    assert search.n_resources_ == [1, 3, 9, 9]
    with pytest.raises(ValueError, match=f"{prefix and prefix + '__'}n_.*=None; say what max_resources is"):
        search.set_params(max_resources="auto").fit(X, Y)


def test_an_unknown_name_is_not_a_hidden_parameter():
    with pytest.raises(ValueError, match=r"n_treez.*neither 'auto'"):
        HyperbandSearchCV(HidesTrees(), {"quality": [0.1, 0.2]}, resource="n_treez").fit(X, Y)


BALANCED = RandomForestClassifier(5, class_weight="balanced", random_state=0)


def test_trees_are_the_resource_of_a_forest_that_cannot_continue():
    search = HyperbandSearchCV(BALANCED, {"max_depth": [1, 2, 3]}, n_candidates=3, cv=3, random_state=0)
    search.fit(X, Y)
    assert search.resource_ == "n_estimators"
    assert not search.cv_results_["resumed_from"].any()


@pytest.mark.parametrize("resource", ["auto", "n_samples", "clf__n_estimators"])
def test_a_pipeline_that_resamples(resource):
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    estimator = pipeline.Pipeline(
        [
            ("over", over_sampling.RandomOverSampler(random_state=0)),
            ("clf", RandomForestClassifier(5, random_state=0)),
        ]
    )
    search = HyperbandSearchCV(estimator, {"clf__max_depth": [1, 2, 3]}, n_candidates=3, cv=3)
    search.set_params(resource=resource, scoring="balanced_accuracy").fit(X, np.arange(240) % 5 == 0)
    assert (search.cv_results_["state"] == "ok").all()
