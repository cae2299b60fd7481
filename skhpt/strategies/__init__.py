"""Strategies: which candidates to evaluate next, as pure functions of the history.

===================  =============================================================================================
``base``             the Strategy protocol, with the rules for a new strategy
``fixed_list``       a list of points: grid, random and manual search
``bayes``            Bayesian optimisation
``surrogate``        the model of Bayesian optimisation: a Gaussian process of scores or times
``constrained``      maximisation where a constraint allows hardly any point
``encoding``         candidates as points of the unit cube
``initial_design``   default points, evaluated before any score is known
``hyperband``        execution of a multi-fidelity plan: which candidates are promoted when
``schedule``         multi-fidelity plans: ladder, Hyperband, successive halving
``rung_statistics``  what the lower rungs say about scores on the highest one
``racing``           early elimination of candidates on their remaining folds
===================  =============================================================================================
"""
