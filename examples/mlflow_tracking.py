"""Log a search to MLflow, and find its candidates and its best model there.

The runs are written to a database in a temporary folder. To look at them, run ``python examples/mlflow_tracking.py
runs.db`` and then ``mlflow server --backend-store-uri sqlite:///runs.db``. The script needs MLflow
(``pip install "skhpt[mlflow]"``).
"""

import sys
import tempfile
from pathlib import Path

import mlflow
from scipy.stats import loguniform
from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import BayesSearchCV
from skhpt.callbacks import MLflowLogger

database = Path(sys.argv[1] if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "runs.db").absolute()
mlflow.set_tracking_uri(f"sqlite:///{database}")
mlflow.create_experiment("wine", artifact_location=(database.parent / "artifacts").as_uri())

X, y = load_wine(return_X_y=True)
pipeline = make_pipeline(StandardScaler(), SVC())
space = {"svc__C": loguniform(1e-2, 1e3), "svc__gamma": loguniform(1e-4, 1)}
search = BayesSearchCV(pipeline, space, n_iter=10, random_state=0, return_predictions=True)
logger = MLflowLogger(experiment_name="wine", tags={"data": "wine"})
search.set_callbacks(logger).fit(X, y)

run = mlflow.get_run(logger.run_id_)
print(f"{run.info.run_name}: {run.info.status}")
for name in ("best_cv_score", "corrected_score", "corrected_score_low", "corrected_score_high"):
    print(f"  {name:20}  {run.data.metrics[name]:.4f}")

print("\nThe best candidates:")
candidates = mlflow.search_runs(
    experiment_names=["wine"],
    filter_string=f"tags.`mlflow.parentRunId` = '{logger.run_id_}'",
    order_by=["metrics.mean_test_score DESC"],
    max_results=3,
)
for row in candidates.to_dict("records"):
    params = {name: float(row[f"params.{name}"]) for name in space}
    print(f"  {row['tags.mlflow.runName']:12}  {row['metrics.mean_test_score']:.4f}  {params}")

model = mlflow.sklearn.load_model(f"runs:/{logger.run_id_}/best_estimator")
print(f"\nThe model of the run: {model}")
