"""Gaussian process regression and acquisition functions: arrays in, arrays out.

==================  ==============================================================================================
``kernel``          embedding of the unit cube, Matern-5/2 covariance
``output_warping``  transformation of scores before the model is fitted, and its inverse
``regression``      hyperparameters and posterior of the Gaussian process
``acquisition``     expected improvement and upper confidence bound
``optimize``        global maximisation of an acquisition function
``bfgs``            local maximisation in a box, from several points at once
==================  ==============================================================================================

A new acquisition function goes into ``acquisition.ACQUISITIONS``.
"""
