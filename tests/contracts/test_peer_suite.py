"""scikit-learn's own tests of its searches pass with ours in their place.

Those that it runs on every estimator, `test_sklearn.py` runs on all searches.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

#: `test_custom_run_search` compares all public fitted attributes of a `GridSearchCV` with those of a subclass
#: of `BaseSearchCV` of its own, so a search with further attributes (``history_``) fails it by definition. The hook
#: that it is about, `_run_search`, is tested in ``tests/search/test_rounds.py``.
NOT_APPLICABLE = "test_custom_run_search"

SUITES = {
    "search": ("sklearn.model_selection.tests.test_search", f"not Halving and not {NOT_APPLICABLE}", 80),
    "routing": (
        "sklearn.tests.test_metaestimators_metadata_routing",
        "not Halving and (GridSearch or RandomSearch)",
        8,
    ),
}


@pytest.mark.parametrize("suite", SUITES)
def test_scikit_learns_own_tests(suite, tmp_path):
    module, selection, n_expected = SUITES[suite]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "swap_searches",
        "-p",
        "no:cacheprovider",
        "--tb=short",
    ]
    command += ["-W", "ignore", "-k", selection, "--pyargs", module]
    path = os.pathsep.join([str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    summary = run.stdout.strip().splitlines()[-1]
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert int(re.search(r"(\d+) passed", summary)[1]) >= n_expected, summary
