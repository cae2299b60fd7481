"""Follow a search with callbacks: a progress bar, a log of your own, and a condition that ends the search.

The log is a file of JSON lines. For Weights & Biases, Comet, Neptune or Slack replace ``self.log`` by a call of their
client, such as ``wandb.log(values)`` or ``requests.post(webhook, json={"text": str(values)})``. Run the script with
``python examples/callbacks.py``; it needs tqdm (``pip install "skhpt[progress]"``).
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

from scipy.stats import loguniform
from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import BayesSearchCV
from skhpt.callbacks import SearchCallback, SearchProgress


class JSONLogger(SearchCallback):
    """Writes a line for each candidate, and one at the end."""

    def __init__(self, path):
        self.path = path

    def log(self, **values):
        with open(self.path, "a") as file:
            print(json.dumps(values), file=file)

    def on_candidate_finished(self, search, trial, status):
        score = sum(fold.score() for fold in trial.folds) / len(trial.folds)
        self.log(step=trial.candidate.id, score=score, **trial.candidate.params)

    def on_search_end(self, search, status, error=None):
        best = status.best.params if status.best else None
        self.log(stop_reason=status.stop_reason, n_finished=status.n_finished, best=best)


class StopIfGoodOnEachFold(SearchCallback):
    """Ends the search, as Ctrl-C does, when the best candidate is good on each fold."""

    def on_new_best(self, search, trial, status):
        if min(fold.score() for fold in trial.folds) > 0.95:
            raise KeyboardInterrupt


X, y = load_wine(return_X_y=True)
space = {"svc__C": loguniform(1e-3, 1e4), "svc__gamma": loguniform(1e-6, 1)}
search = BayesSearchCV(make_pipeline(StandardScaler(), SVC()), space, n_iter=30, random_state=0)
log = Path(tempfile.mkdtemp()) / "candidates.jsonl"
search.set_callbacks(SearchProgress(file=sys.stdout), JSONLogger(log), StopIfGoodOnEachFold())
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "the search ended after")  # it was meant to
    search.fit(X, y)

print(f"\nThe log has {len(log.read_text().splitlines())} lines. Its last line:")
print(log.read_text().splitlines()[-1])
print("\nThe best candidates:")
print(search.leaderboard_text(5))
