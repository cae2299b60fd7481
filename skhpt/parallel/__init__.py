"""Tasks in, updates out: joblib's backends, Dask and worker processes."""
