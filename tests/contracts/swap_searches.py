"""pytest plugin: scikit-learn's own tests, with our searches in place of its own.

``pytest -p swap_searches --pyargs sklearn.model_selection.tests.test_search``. The names are rebound before
any test module is imported, so its imports and its lists of parameters see ours.
"""

import sklearn.model_selection

import skhpt

SWAPPED = {"GridSearchCV": skhpt.GridSearch, "RandomizedSearchCV": skhpt.RandomSearch}


def pytest_configure(config):
    for name, search in SWAPPED.items():
        setattr(sklearn.model_selection, name, search)
    for marker in ("thread_unsafe", "no_check_spmatrix"):  # scikit-learn's tests use them
        config.addinivalue_line("markers", f"{marker}: used by scikit-learn's tests")
