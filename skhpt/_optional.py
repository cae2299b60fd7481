"""Optional packages: imported when they are used, with an error that names the extra that installs them."""

from __future__ import annotations

import importlib
from typing import Any

#: The extra that installs each optional package.
EXTRAS = {
    "jinja2": "report",
    "matplotlib": "plots",
    "mlflow": "mlflow",
    "optuna": "dashboard",
    "optuna_dashboard": "dashboard",
    "pandas": "pandas",
    "tqdm": "progress",
}


def import_optional(module: str, user: str) -> Any:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Name of the module, such as "matplotlib.pyplot".
    user : str
        Name of what needs it, which the error begins with, such as "SearchHistoryDisplay".

    Returns
    -------
    module : module
        The module.

    Raises
    ------
    ImportError
        If the package is not installed.
    """
    package = module.split(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != package:
            raise  # the package is installed, and lacks something itself
        raise ImportError(
            f"{user} needs the package {package.replace('_', '-')}: install it with "
            f"pip install 'skhpt[{EXTRAS[package]}]'",
            name=error.name,
        ) from error
