"""Watch a search in Optuna's dashboard while it runs.

The dashboard is another process, which reads the journal of the search: ``python -m skhpt dashboard runs``. Open the
address that it prints in a browser, and the search grows every second. Here the script starts it, asks it for the
number of candidates as the browser does, and ends it after the search. At last the search is exported to a file, from
which Optuna's own tools read it.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from skhpt import BayesSearchCV
from skhpt.export import to_optuna

X, y = load_digits(return_X_y=True)
X, y = X[:300], y[:300]

with tempfile.TemporaryDirectory() as folder:
    runs = Path(folder)
    command = [sys.executable, "-m", "skhpt", "dashboard", folder, "--port", "0"]  # any free port
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dashboard:
        try:
            line = dashboard.stdout.readline()
            print(line.strip())
            address = line.split(" at ")[1].split()[0]

            search = BayesSearchCV(
                SVC(),
                {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-6, 1)},
                n_iter=10,
                cv=4,
                random_state=0,
                journal=runs / "digits.jsonl",
            ).fit(X, y)

            n_shown = 0
            while n_shown < 10:
                time.sleep(0.5)
                with urlopen(f"{address}/api/studies") as response:
                    studies = json.load(response)["study_summaries"]
                if studies:
                    with urlopen(f"{address}/api/studies/{studies[0]['study_id']}") as response:
                        n_shown = len(json.load(response)["trials"])
            print(f"the dashboard shows {n_shown} candidates of {studies[0]['study_name']}")
        finally:
            dashboard.terminate()

    study = to_optuna(search, f"sqlite:///{runs / 'searches.db'}", "digits")
    print(f"exported: {len(study.trials)} trials, the best one has {study.best_value:.4f}")

print("The best candidates")
print(search.leaderboard_text(3))
