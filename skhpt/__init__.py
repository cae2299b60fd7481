"""skhpt: hyperparameter search for scikit-learn estimators."""

from skhpt import distributions
from skhpt.search.bayes import BayesSearchCV
from skhpt.search.grid import GridSearch
from skhpt.search.manual import ManualSearch
from skhpt.search.random import RandomSearch
from skhpt.space import Space

__version__ = "0.1.0"

__all__ = ["BayesSearchCV", "GridSearch", "ManualSearch", "RandomSearch", "Space", "distributions"]
