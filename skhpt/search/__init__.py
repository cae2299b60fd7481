"""The searches, which are scikit-learn estimators."""
