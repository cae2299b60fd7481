"""The face: the scikit-learn estimators."""
