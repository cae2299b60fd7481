"""skhpt: hyperparameter search for scikit-learn estimators."""

from skhpt import callbacks, distributions, ensemble, export, inspection, plots, select, spaces
from skhpt.fitting.warm_start import register_continuation
from skhpt.inspection.journals import read_journals
from skhpt.journal import read_journal
from skhpt.reporting import report
from skhpt.reuse.submodels import register_submodel
from skhpt.search.bayes import BayesSearchCV
from skhpt.search.grid import GridSearch
from skhpt.search.hyperband import HyperbandSearchCV
from skhpt.search.manual import ManualSearch
from skhpt.search.random import RandomSearch
from skhpt.space.space import Space

__version__ = "0.1.0"

__all__ = [
    "BayesSearchCV",
    "GridSearch",
    "HyperbandSearchCV",
    "ManualSearch",
    "RandomSearch",
    "Space",
    "callbacks",
    "distributions",
    "ensemble",
    "export",
    "inspection",
    "plots",
    "read_journal",
    "read_journals",
    "register_continuation",
    "register_submodel",
    "report",
    "select",
    "spaces",
]
