"""Scorings whose metrics are computed without scikit-learn's functions, which each implementation is tested with.

There are two implementations: closed forms for the scores of folds (`skhpt.fitting.metrics`), and vectorized
metrics for corrected scores (`skhpt.results.weighted_metrics`). Each metric of the closed forms occurs at
least once.
"""

CLASSIFIER_SCORINGS = [
    *("accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc"),
    *("f1", "f1_macro", "f1_micro", "f1_weighted"),
    *("precision", "precision_macro", "precision_weighted"),
    *("recall", "recall_macro", "recall_weighted"),
]
REGRESSOR_SCORINGS = [
    "neg_mean_absolute_error",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
    "r2",
]
#: Scorings that are only defined for two classes, or for the classes 0 and 1.
BINARY_SCORINGS = ["f1", "precision", "recall", "roc_auc"]
