"""Gaussian processes and what is built on them: arrays in, arrays out."""
