"""Distributions of all kinds that a space accepts, and the dimensions of scikit-optimize."""

import numpy as np
from scipy import stats

from skhpt.distributions import loguniform_int, quantized, truncated_lognormal, truncated_normal

CONTINUOUS = {
    "uniform": stats.uniform(-2, 5),
    "loguniform": stats.loguniform(1e-6, 1e3),
    "norm": stats.norm(3, 2),
    "lognorm": stats.lognorm(1.5, scale=0.1),
    "expon": stats.expon(scale=10),
    "gamma": stats.gamma(2, scale=3),
    "beta": stats.beta(0.5, 0.5),
    "truncnorm": stats.truncnorm(-1, 3),
    "cauchy": stats.cauchy(),
    "pareto": stats.pareto(0.2),
    "histogram": stats.rv_histogram(np.histogram([1, 2, 2, 3, 9])),
    "truncated_normal": truncated_normal(0.5, 0.2, 0, 1),
    "truncated_lognormal": truncated_lognormal(1, 2, 0.01, 10),
}
DISCRETE = {
    "randint": stats.randint(-3, 8),
    "poisson": stats.poisson(4),
    "binom": stats.binom(12, 0.3),
    "geom": stats.geom(0.2),
    "values": stats.rv_discrete(values=([0.5, 2, 7], [0.2, 0.5, 0.3])),
    "loguniform_int": loguniform_int(1, 500),
    "quantized": quantized(stats.norm(0, 1), 0.1),
    "quantized_int": quantized(stats.uniform(8, 100), 8),
}
if hasattr(stats, "Normal"):  # SciPy's newer distributions, from 1.15
    CONTINUOUS |= {
        "Normal": stats.Normal(mu=1.0, sigma=2.0),
        "truncate": stats.truncate(stats.Normal(), lb=0.0, ub=2.0),
        "Uniform": stats.Uniform(a=1.0, b=3.0),
        "exp": stats.exp(stats.Normal()),
        "made": stats.make_distribution(stats.loguniform)(a=1e-3, b=1e3),
    }
if hasattr(stats, "Binomial"):
    DISCRETE["Binomial"] = stats.Binomial(n=10, p=0.3)


class Real:
    """Replacement of `skopt.space.Real`, of which the class name and the attributes are read."""

    def __init__(self, low, high, prior="uniform"):
        self.low = low
        self.high = high
        self.prior = prior

    def __repr__(self):
        return f"{type(self).__name__}({self.low!r}, {self.high!r}, {self.prior!r})"


class Integer(Real):
    pass


class Categorical:
    def __init__(self, categories):
        self.categories = categories
