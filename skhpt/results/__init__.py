"""Results of finished trials: tables, leaderboards, predictions and corrected scores.

=======================  =========================================================================================
``cv_results``           the table ``cv_results_``
``leaderboard``          the best candidates as rows, as a DataFrame and as text
``status``               what is done, planned and best so far, and its text
``status_tracker``       the status of a search, from its candidates, folds and trials
``predictions``          predictions for the test parts of all folds, put together
``prediction_scorers``   scores of candidates from their predictions, without their models
``weighted_metrics``     metrics of many candidates under many weightings
``bias_correction``      the score of the best candidate without selection bias (BBC-CV)
=======================  =========================================================================================
"""
