"""The hands: fit and score candidates on folds, on whatever workers joblib offers."""
