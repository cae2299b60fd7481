"""Private names of other libraries: the list of all that skhpt uses, and whether the installed versions have them.

A release of a library that takes a private name away fails here, with the file that uses the name and its purpose.
"""

import ast
import asyncio
import importlib
import multiprocessing
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from joblib._parallel_backends import LokyBackend, MultiprocessingBackend
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.utils.fixes import parse_version

import skhpt

ROOT = Path(skhpt.__file__).parent


# -- objects that have private attributes ------------------------------------------------------------------------------

X = np.random.RandomState(0).normal(size=(40, 3))
Y = np.arange(40) % 2


def dask_client() -> Any:
    from distributed import Client

    async def make() -> Any:
        return Client("tcp://127.0.0.1:9", asynchronous=True, set_as_default=False)  # it does not connect

    return asyncio.run(make())


def scorer() -> Any:
    return get_scorer("accuracy")


def several_scorers() -> Any:
    return check_scoring(LogisticRegression(), scoring=["accuracy", "f1"])


def fitted_neighbors() -> Any:
    return KNeighborsClassifier().fit(X, Y)


def fitted_pls() -> Any:
    return PLSRegression().fit(X, Y)


def fitted_pca() -> Any:
    return PCA().fit(X)


def fitted_svc() -> Any:
    return SVC().fit(X, Y)


def fitted_bagging() -> Any:
    return BaggingClassifier(n_estimators=2).fit(X, Y)


def fitted_boosting() -> Any:
    return HistGradientBoostingClassifier(max_iter=2).fit(X, Y)


def boosting_that_stops_early() -> Any:
    return HistGradientBoostingClassifier(max_iter=2, early_stopping=True, scoring="loss")


def fitted_vectorizer() -> Any:
    vectorizer = TfidfVectorizer()
    vectorizer.fit(["some words", "other words"])
    return vectorizer


def scaler_with_output() -> Any:
    return PCA().set_output(transform="default")


def estimator_with_requests() -> Any:
    with sklearn.config_context(enable_metadata_routing=True):
        return LogisticRegression().set_fit_request(sample_weight=True)


class Listener:
    """A callback that does nothing."""

    def setup(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...
    def on_fit_task_end(self, estimator, context): ...
    def teardown(self, estimator, context): ...


def search_with_callback() -> Any:
    return GridSearchCV(SVC(), {"C": [1]}).set_callbacks(Listener())


def callback_context() -> Any:
    return search_with_callback()._init_callback_context(max_subtasks=1)


def parallel() -> Any:
    with joblib.Parallel(n_jobs=1) as entered:
        return entered


@cache
def loky_backend() -> Any:
    """Make joblib's backend with a pool of loky, which starts no process before there is a task."""
    backend = LokyBackend()
    backend.configure(n_jobs=2, parallel=joblib.Parallel(n_jobs=2))
    return backend


def loky_pool() -> Any:
    return loky_backend()._workers


@cache
def pool_of_processes() -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool


def multiprocessing_backend() -> Any:
    backend = MultiprocessingBackend()
    backend.configure(n_jobs=2, parallel=joblib.Parallel(n_jobs=2))
    backend.terminate()
    return backend


@cache
def lightgbm_model() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1).fit(X, Y)


@cache
def xgboost_model() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=2, n_jobs=1).fit(X, Y)


# -- the list ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PrivateName:
    """A private name of another library.

    Attributes
    ----------
    name : str
        The name, with its module or class.
    files : str
        The files of skhpt that use the name, separated by blanks.
    purpose : str
        The use of it.
    make : callable or None
        ``make()`` returns an object that has the attribute; None where the name can be imported.
    since, until : str
        The first version of the library that has the name, and the first one that no longer has it.
    """

    name: str
    files: str
    purpose: str
    make: Callable[[], Any] | None = None
    since: str = "0"
    until: str = "1000"

    @property
    def library(self) -> str:
        return self.name.split(".")[0]

    @property
    def last(self) -> str:
        return self.name.rsplit(".", 1)[1]


def names_of(
    owner: str,
    files: str,
    make: Callable[[], Any] | None = None,
    since: str = "0",
    until: str = "1000",
    **purposes: str,
) -> list[PrivateName]:
    """List private names of one module or class, each with its purpose, that the same files use."""
    return [
        PrivateName(f"{owner}.{name}", files, purpose, make, since, until)
        for name, purpose in purposes.items()
    ]


NAMES: list[PrivateName] = [
    # Every search is a scikit-learn search
    *names_of(
        "sklearn.model_selection._search",
        "search/estimator",
        BaseSearchCV="base class of the searches: `isinstance` checks and prediction methods",
    ),
    *names_of(
        "sklearn.model_selection._search.BaseSearchCV",
        "search/base",
        _check_refit_for_multimetric="check of `refit` with several metrics",
        _get_routed_params_for_fit="parameters of `fit` for the estimator, the splitter and the scorer",
        _get_scorers="scorers that `scoring` means",
    ),
    *names_of(
        "sklearn.model_selection._search.BaseSearchCV",
        "reuse/steps search/bayes search/estimator search/grid search/hyperband search/manual search/random",
        _parameter_constraints="checks of the constructor's parameters, extended by each search",
    ),
    *names_of(
        "sklearn.model_selection._search.BaseSearchCV",
        "search/base",
        _run_search="hook of subclasses that choose candidates",
        _select_best_index="candidate that `refit` chooses",
    ),
    *names_of(
        "sklearn.model_selection._search.BaseSearchCV",
        "search/estimator",
        _format_results="hook that is never called, so that overriding it is an error",
    ),
    *names_of(
        "sklearn.model_selection._search.BaseSearchCV",
        "search/estimator",
        since="1.9",
        _check_input_parameters="hook that is never called, so that overriding it is an error",
    ),
    *names_of(
        "sklearn.model_selection._search",
        "search/base",
        _search_estimator_has="methods that a search has if its estimator has them",
    ),
    *names_of(
        "sklearn.model_selection._search",
        "results/cv_results",
        _yield_masked_array_for_each_param="columns of parameters in `cv_results_`",
    ),
    *names_of(
        "sklearn.model_selection._split",
        "session/folds",
        _yields_constant_splits="whether a splitter gives the same folds again",
    ),
    *names_of(
        "sklearn.model_selection._validation",
        "session/outcome_warnings",
        _warn_or_raise_about_fit_failures="warning about failed fits, word for word",
    ),
    *names_of(
        "sklearn.base",
        "_compat",
        _fit_context="validation of parameters and of nested calls around `fit`",
    ),
    *names_of(
        "sklearn.base.BaseEstimator",
        "fitting/cloning reuse/keys",
        _get_param_names="parameters of an estimator, for its clone",
    ),
    *names_of(
        "sklearn.base.BaseEstimator",
        "reuse/steps search/base",
        _validate_params="checks of an estimator's parameters",
    ),
    *names_of(
        "sklearn.utils._param_validation",
        "_compat",
        Interval="checks of the constructor's parameters",
        Options="checks of the constructor's parameters",
        StrOptions="checks of the constructor's parameters",
    ),
    *names_of(
        "sklearn.utils.parallel",
        "_compat",
        _get_threadpool_controller="one BLAS thread for small matrices",
    ),
    *names_of(
        "sklearn.utils._metadata_requests",
        "session/fidelity",
        _routing_enabled="whether metadata routing is switched on",
    ),
    *names_of(
        "sklearn.utils._metadata_requests._MetadataRequester",
        "identity",
        _metadata_request="metadata that an estimator requests, which its clone keeps",
        make=estimator_with_requests,
    ),
    *names_of(
        "sklearn.utils._set_output._SetOutputMixin",
        "identity reuse/submodels/decomposition",
        _sklearn_output_config="kind of output that was set, which a clone keeps",
        make=scaler_with_output,
    ),
    # Callbacks
    *names_of(
        "sklearn.model_selection._search.BaseSearchCV",
        "session/sklearn_callbacks",
        _init_callback_context="root of the tree of callback tasks",
        since="1.9",
    ),
    *names_of(
        "sklearn.callback.CallbackContext",
        "session/sklearn_callbacks",
        _children_map="tasks of folds that do not carry their siblings along",
        make=callback_context,
        since="1.9",
    ),
    *names_of(
        "sklearn.base.BaseEstimator",
        "session/sklearn_callbacks",
        _skl_callbacks="whether an estimator has callbacks",
        make=search_with_callback,
        since="1.9",
    ),
    # Data of a fold
    *names_of(
        "sklearn.utils.metaestimators",
        "_compat",
        _safe_split="rows of a fold",
    ),
    *names_of(
        "sklearn.utils.validation",
        "_compat",
        _check_method_params="rows of the parameters of `fit` and of the scorer",
        _num_samples="number of rows of any kind of data",
    ),
    *names_of(
        "sklearn.utils._array_api",
        "fitting/slicing",
        device="device of an array of another library",
        get_namespace="library of an array",
    ),
    # Scorers
    *names_of(
        "sklearn.metrics._scorer",
        "fitting/scorers",
        _MultimetricScorer="scorer of several metrics",
        _PassthroughScorer="scorer that calls the estimator's own `score`",
        _Scorer="scorer that `make_scorer` makes",
    ),
    *names_of(
        "sklearn.metrics._scorer._BaseScorer",
        "fitting/scorers",
        _kwargs="parameters of the metric",
        _score_func="metric of a scorer",
        _sign="whether more is better",
        _response_method="method whose output is scored",
        _get_pos_label="label of the positive class",
        make=scorer,
    ),
    *names_of(
        "sklearn.metrics._scorer._MultimetricScorer",
        "fitting/scorers",
        _scorers="scorers of several metrics",
        _raise_exc="whether a failing metric raises",
        make=several_scorers,
    ),
    # Sub-models
    *names_of(
        "sklearn.linear_model",
        "reuse/submodels/linear",
        _base="module of the functions that centre and weight the data",
        _ridge="module of the function that solves for the coefficients",
    ),
    *names_of(
        "sklearn.linear_model._base",
        "reuse/submodels/linear",
        _preprocess_data="centring of the data of a ridge regression",
        _rescale_data="weights of the rows of a ridge regression",
    ),
    *names_of(
        "sklearn.linear_model._base.LinearModel",
        "reuse/submodels/linear",
        _set_intercept="intercept of a ridge regression",
    ),
    *names_of(
        "sklearn.linear_model._ridge._RidgeClassifierMixin",
        "reuse/submodels/linear",
        _prepare_data="targets of a ridge classifier",
    ),
    *names_of(
        "sklearn.linear_model._ridge",
        "reuse/submodels/linear",
        _solve_cholesky_kernel="coefficients of a ridge regression with more columns than rows",
    ),
    *names_of(
        "sklearn.utils.validation",
        "reuse/submodels/linear",
        _check_sample_weight="weights of the rows of a ridge regression",
    ),
    *names_of(
        "sklearn.cross_decomposition.PLSRegression",
        "reuse/submodels/linear",
        _x_std="scale of X in partial least squares",
        _y_std="scale of y in partial least squares",
        _x_scores="scores of X, kept by a fit",
        _y_scores="scores of y, kept by a fit",
        make=fitted_pls,
    ),
    *names_of(
        "sklearn.cross_decomposition._pls._PLS",
        "reuse/submodels/linear",
        _n_features_out="number of columns of the output",
        make=fitted_pls,
    ),
    *names_of(
        "sklearn.decomposition",
        "reuse/submodels/decomposition",
        _pca="module with the cumulative sum that a version of scikit-learn uses",
    ),
    *names_of(
        "sklearn.decomposition._pca",
        "reuse/submodels/decomposition",
        _infer_dimension="number of components by maximum likelihood",
    ),
    *names_of(
        "sklearn.decomposition.PCA",
        "reuse/submodels/decomposition",
        _fit_svd_solver="solver that `auto` has chosen",
        make=fitted_pca,
    ),
    *names_of(
        "sklearn.utils._set_output",
        "reuse/submodels/decomposition",
        _wrap_data_with_container="output as a DataFrame",
    ),
    *names_of(
        "sklearn.metrics._pairwise_distances_reduction",
        "reuse/submodels/neighbors",
        ArgKmin="brute-force search of neighbours",
        ArgKminClassMode="whether classes are counted within that search",
    ),
    *names_of(
        "sklearn.utils._openmp_helpers",
        "reuse/submodels/neighbors",
        _openmp_effective_n_threads="order in which that search meets ties",
    ),
    *names_of(
        "sklearn.neighbors.KNeighborsClassifier",
        "reuse/submodels/neighbors",
        _fit_X="rows among which neighbours are found",
        _fit_method="search that `auto` has chosen",
        _tree="tree of that search",
        _y="encoded classes of the rows",
        make=fitted_neighbors,
    ),
    *names_of(
        "sklearn.svm.SVC",
        "reuse/submodels/kernels",
        _dual_coef_="test that a shared kernel gives the same machine",
        _gamma="width of the kernel, set on a view",
        _intercept_="test that a shared kernel gives the same machine",
        _n_support="test that a shared kernel gives the same machine",
        make=fitted_svc,
    ),
    *names_of(
        "sklearn.feature_extraction.text.CountVectorizer",
        "reuse/submodels/text",
        _count_vocab="counts of words, replaced on a view",
        _sort_features="order of the words of the vocabulary",
    ),
    *names_of(
        "sklearn.feature_extraction.text.TfidfVectorizer",
        "reuse/submodels/text",
        _check_params="checks of a vectorizer's parameters",
    ),
    *names_of(
        "sklearn.feature_extraction.text.TfidfVectorizer",
        "reuse/submodels/text",
        _tfidf="weights of the words, set on a view",
        make=fitted_vectorizer,
    ),
    *names_of(
        "sklearn.ensemble.BaggingClassifier",
        "reuse/submodels/trees",
        _seeds="seeds of the members",
        make=fitted_bagging,
    ),
    *names_of(
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "reuse/submodels/trees",
        _predictors="trees of the iterations",
        make=fitted_boosting,
    ),
    *names_of(
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "reuse/submodels/trees",
        _raw_predict="prediction, bound to the model by early stopping",
        make=boosting_that_stops_early,
    ),
    *names_of(
        "sklearn.tree.BaseDecisionTree",
        "reuse/submodels/pruning",
        _prune_tree="cost-complexity pruning of a tree",
    ),
    *names_of(
        "sklearn.naive_bayes._BaseDiscreteNB",
        "reuse/submodels/bayes",
        _check_alpha="smoothing after the counts",
    ),
    *names_of(
        "sklearn.naive_bayes.MultinomialNB",
        "reuse/submodels/bayes",
        _update_feature_log_prob="smoothing after the counts",
    ),
    *names_of(
        "sklearn.naive_bayes._BaseDiscreteNB",
        "reuse/submodels/bayes",
        _update_class_log_prior="smoothing after the counts",
    ),
    *names_of(
        "sklearn.ensemble.StackingClassifier",
        "reuse/submodels/meta",
        _validate_final_estimator="final estimator of a stack, without its members",
    ),
    *names_of(
        "lightgbm.basic",
        "reuse/submodels/boosters",
        _ConfigAliases="whether other names of the number of rounds are set",
    ),
    *names_of(
        "lightgbm.Booster",
        "reuse/submodels/boosters",
        _handle="booster with fewer trees",
        make=lambda: lightgbm_model().booster_,
    ),
    *names_of(
        "lightgbm.LGBMModel",
        "reuse/submodels/boosters",
        _Booster="booster with fewer trees, set on a view",
        _other_params="parameters of a view",
        make=lambda: lightgbm_model(),
    ),
    *names_of(
        "xgboost.XGBModel",
        "reuse/submodels/boosters",
        _Booster="booster with fewer trees, set on a view",
        make=lambda: xgboost_model(),
    ),
    # Python
    *names_of(
        "warnings",
        "_compat",
        _get_filters="filters of warnings of this thread, for its workers",
        since="3.14",
    ),
    # MLflow
    *names_of(
        "mlflow.utils.autologging_utils",
        "_mlflow",
        _AUTOLOGGING_GLOBALLY_DISABLED="whether autologging is switched off for now",
        _has_active_training_session="whether autologging logs an estimator that contains the search",
    ),
    *names_of(
        "mlflow.tracking.fluent",
        "callbacks/mlflow",
        _get_experiment_id="experiment that `mlflow.set_experiment` or the environment has chosen",
    ),
    *names_of(
        "mlflow.tracking._tracking_service.utils",
        "callbacks/mlflow_writer",
        _use_tracking_uri="server to which a model is logged, without a trace in the process",
    ),
    # Joblib, loky and multiprocessing
    *names_of(
        "joblib.Parallel",
        "parallel/_joblib",
        _backend="active backend",
        _calling="set, so that the backend is told of the end of the calls",
        _id="name of the folder of memory maps",
        make=parallel,
    ),
    *names_of(
        "joblib.Parallel",
        "parallel/_joblib",
        _backend_kwargs="folder for temporary files that the user chose",
        since="1.5",
        make=parallel,
    ),
    *names_of(
        "joblib.Parallel",
        "parallel/_joblib",
        _backend_args="folder for temporary files that the user chose",
        until="1.5",
        make=parallel,
    ),
    *names_of(
        "joblib._parallel_backends",
        "parallel/_joblib",
        LokyBackend="kind of a backend: processes that may die alone",
        MultiprocessingBackend="kind of a backend: a `multiprocessing.Pool`",
        SequentialBackend="kind of a backend: this thread",
        ParallelBackendBase="type of a backend",
    ),
    *names_of(
        "joblib._parallel_backends.LokyBackend",
        "parallel/_joblib",
        _prepare_worker_env="environment variables of workers: threads of the libraries for linear algebra",
    ),
    *names_of(
        "joblib._parallel_backends.LokyBackend",
        "parallel/_joblib",
        _workers="pool of loky",
        make=loky_backend,
    ),
    *names_of(
        "joblib._parallel_backends.MultiprocessingBackend",
        "parallel/_joblib",
        _pool="pool of multiprocessing",
        make=multiprocessing_backend,
    ),
    *names_of(
        "joblib._dask",
        "parallel/dask",
        DaskDistributedBackend="joblib's backend for Dask, known by its name",
    ),
    *names_of(
        "distributed.client.Client",
        "parallel/dask_events",
        _event_handlers="the user's own handler of events, which is called too",
        make=dask_client,
    ),
    *names_of(
        "joblib._utils",
        "parallel/_joblib",
        eval_expr="value of `pre_dispatch`",
    ),
    *names_of(
        "joblib._memmapping_reducer",
        "parallel/_joblib",
        get_memmapping_reducers="large arrays as memory maps",
        resource_tracker="process that reports leaked files",
    ),
    *names_of(
        "joblib.parallel",
        "parallel/_joblib",
        BatchedCalls="form in which a backend takes tasks",
    ),
    *names_of(
        "joblib.externals.loky.backend.reduction",
        "parallel/_joblib",
        dumps="form of tasks and exceptions on their way, also of classes of scripts",
    ),
    *names_of(
        "joblib.externals.loky",
        "parallel/_joblib",
        ProcessPoolExecutor="processes that are ended one by one",
        reusable_executor="workers that all calls in a process share",
    ),
    *names_of(
        "joblib.externals.loky.reusable_executor",
        "parallel/_joblib",
        _executor="workers that all calls in a process share",
    ),
    *names_of(
        "joblib._memmapping_reducer.TemporaryResourcesManager",
        "parallel/_joblib",
        _cached_temp_folders="folders of memory maps, to remove those that nothing uses",
        make=lambda: loky_pool()._temp_folder_manager,
    ),
    *names_of(
        "joblib.externals.loky.process_executor",
        "parallel/_joblib",
        TerminatedWorkerError="error of a task whose worker died",
    ),
    *names_of(
        "joblib.executor.MemmappingExecutor",
        "parallel/_joblib",
        _temp_folder_manager="folder of memory maps of a search",
        make=loky_pool,
    ),
    *names_of(
        "joblib.externals.loky.process_executor.ProcessPoolExecutor",
        "parallel/_joblib",
        _pending_work_items="cancelled tasks that an abort would wait for",
        _processes="processes of the workers",
        _work_ids="tasks that no worker has yet",
        make=loky_pool,
    ),
    *names_of(
        "multiprocessing.pool.Pool",
        "parallel/_joblib",
        _pool="processes of the workers",
        _inqueue="pipe of the tasks, whose lock a killed worker may have left closed",
        _outqueue="pipe of the results, likewise",
        make=pool_of_processes,
    ),
    *names_of(
        "multiprocessing.queues.SimpleQueue",
        "parallel/_joblib",
        _rlock="lock of the pipe of tasks",
        _wlock="lock of the pipe of results",
        make=lambda: pool_of_processes()._outqueue,
    ),
]

#: Names with an underscore that are public.
PUBLIC = {"_asdict", "_exit", "_getframe", "_replace", "_repr_html_"}
#: Attributes that skhpt adds to objects of other libraries, and strings that look like private names.
OTHERS = {"_transformed", "_test_", "_train_"}


# -- the installed versions have the names -----------------------------------------------------------------------------


@pytest.mark.parametrize("private", NAMES, ids=lambda private: private.name)
@pytest.mark.filterwarnings("ignore")
def test_the_installed_version_has_the_name(private):
    library = pytest.importorskip(private.library)
    version = parse_version(getattr(library, "__version__", platform.python_version()))
    if not parse_version(private.since) <= version < parse_version(private.until):
        pytest.skip(f"only from version {private.since} to {private.until}")
    message = f"{private.library} {version} has no {private.name}, which {private.files} uses for: {private.purpose}"
    assert has_name(private), message


def has_name(private: PrivateName) -> bool:
    if private.make is not None:
        return hasattr(private.make(), private.last)
    thing, *rest = import_longest(private.name)
    for name in rest:
        if not hasattr(thing, name):
            return False
        thing = getattr(thing, name)
    return True


def import_longest(dotted: str) -> list[Any]:
    """Import as much of a dotted name as is a module; return the module, and the names that are left."""
    parts = dotted.split(".")
    for n_parts in range(len(parts), 0, -1):
        try:
            return [importlib.import_module(".".join(parts[:n_parts])), *parts[n_parts:]]
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(dotted)


# -- the list is complete ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """A place in skhpt where a name with an underscore occurs."""

    file: str
    line: int
    name: str
    is_import: bool = False
    is_own: bool = False  # an attribute of self, cls or super()


def is_private(name: str) -> bool:
    return re.fullmatch(r"_[A-Za-z]\w*", name) is not None


def files() -> dict[str, ast.Module]:
    paths = sorted(ROOT.rglob("*.py"))
    return {
        path.relative_to(ROOT).with_suffix("").as_posix(): ast.parse(path.read_text("utf-8"))
        for path in paths
    }


def imports(file: str, tree: ast.Module) -> list[Use]:
    """List the private imports of other libraries, as dotted names."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    private = [
        (line, name) for line, name in names if any(map(is_private, name.split("."))) or ".externals." in name
    ]
    return [Use(file, line, name, is_import=True) for line, name in private if not name.startswith("skhpt.")]


def attributes(file: str, tree: ast.Module) -> list[Use]:
    """List the private attributes, and the strings and keywords that may name some."""
    uses = []
    parts_of_texts = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) in parts_of_texts:
            continue
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            of = ast.unparse(node.value)
            uses.append(Use(file, node.lineno, node.attr, is_own=of in ("self", "cls", "super()")))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and is_private(node.value):
            uses.append(Use(file, node.lineno, node.value))
        elif isinstance(node, ast.keyword) and node.arg and is_private(node.arg):
            uses.append(Use(file, node.value.lineno, node.arg))
    return uses


def definitions(tree: ast.Module) -> set[str]:
    """List the functions, classes, variables, fields and attributes of self that a file defines."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) == "self"
        ):
            names.add(node.attr)
    return names


FILES = files()
OWN = {file: definitions(tree) for file, tree in FILES.items()}
ALL_OWN = set().union(*OWN.values())
LISTED = {(private.last, file) for private in NAMES for file in private.files.split()}
LISTED_IMPORTS = {(private.name, file) for private in NAMES for file in private.files.split()}


def is_listed(use: Use) -> bool:
    if use.is_import:
        return (use.name, use.file) in LISTED_IMPORTS
    if (use.name, use.file) in LISTED or use.name in PUBLIC | OTHERS:
        return True
    if use.is_own or use.name not in {name for name, _ in LISTED}:
        return use.name in ALL_OWN
    return use.name in OWN[use.file]


@pytest.mark.parametrize("file", FILES)
def test_every_private_name_is_in_the_list(file):
    uses = imports(file, FILES[file]) + attributes(file, FILES[file])
    missing = [f"{file}.py, line {use.line}: {use.name}" for use in uses if not is_listed(use)]
    assert not missing, "private names of other libraries that the list does not have:\n" + "\n".join(missing)


@pytest.mark.parametrize("private", NAMES, ids=lambda private: private.name)
def test_the_files_use_the_name(private):
    for file in private.files.split():
        text = (ROOT / f"{file}.py").read_text("utf-8")
        assert re.search(rf"\b{private.last}\b", text), f"{file} no longer uses it: take it from the list"


# -- each library has one door -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("private", NAMES, ids=lambda private: private.name)
def test_private_names_are_used_in_one_place(private):
    users = private.files.split()
    if private.library in ("joblib", "multiprocessing"):
        assert users == ["parallel/dask" if private.name.startswith("joblib._dask.") else "parallel/_joblib"]
    elif private.name.startswith("sklearn.metrics._scorer."):
        assert users == ["fitting/scorers"]
    elif private.make is None and not is_attribute(private):
        assert len(users) == 1, "import it into _compat"


def is_attribute(private: PrivateName) -> bool:
    """Tell whether a name is an attribute of a class, which no import can give."""
    return private.name.split(".")[-2].lstrip("_")[:1].isupper()
