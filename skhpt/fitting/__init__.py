"""One candidate on one fold: slice the data, fit, score.

=================  =====================================================================================
`fold`             the task that workers run: `evaluate`, and the steps of one candidate on one fold
`job`              its inputs and its result: `Setup`, `Fold`, `Job`, `Outcome`
`slicing`          rows of a fold, and the cache of slices that fits may share
`cloning`          fast clones of estimators
`resources`        training with a limited resource, such as epochs, and further training of models
`boosting_rounds`  names of the number of rounds in CatBoost, LightGBM and XGBoost
`partial_fit`      whether ``partial_fit`` replaces ``fit``, and the class labels that it takes
`warm_start`       estimators whose training can continue exactly, and their registration
`checkpoints`      storage of models whose training may continue
`subsample`        choice of training rows
`scorers`          parts of scikit-learn's scorers, and faster scorers
`metrics`          closed forms of metrics, for faster scorers
`predictions`      predictions that the search keeps
`verbose`          printed report
=================  =====================================================================================
"""
