"""Draw the pictures of the user guide that no example draws: ``python docs/pictures/draw.py``."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import loguniform, randint, uniform
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch, Space
from skhpt.distributions import loguniform_int, quantized, truncated_lognormal
from skhpt.select import one_standard_error

FOLDER = Path(__file__).parent
BLUE, ORANGE, GREY = "#1f77b4", "#d95f02", "#999999"


def distributions() -> Figure:
    """Show 2,000 draws of each distribution that the page of spaces recommends."""
    rows = {
        "uniform(0.2, 0.8)": uniform(0.2, 0.8),
        "loguniform(1e-3, 1e3)": loguniform(1e-3, 1e3),
        "randint(2, 11)": randint(2, 11),
        "loguniform_int(1, 1000)": loguniform_int(1, 1000),
        "quantized(uniform(0.5, 0.5), 0.05)": quantized(uniform(0.5, 0.5), 0.05),
        "truncated_lognormal(0.1, sigma=1, low=1e-3, high=1)": truncated_lognormal(0.1, 1, 1e-3, 1),
    }
    figure, axes = plt.subplots(2, 3, figsize=(10, 4.4), layout="constrained")
    for ax, (text, distribution) in zip(axes.flat, rows.items(), strict=True):
        draws = np.asarray(distribution.rvs(size=2000, random_state=0), dtype=float)
        _draw_histogram(ax, draws, is_log="log" in text)
        ax.set_title(text, fontsize=8)
        ax.set_yticks([])
    return figure


def _draw_histogram(ax: Axes, draws: np.ndarray, is_log: bool) -> None:
    values = np.unique(draws)
    if len(values) < 50:
        counts = [np.sum(draws == value) for value in values]
        ax.bar(values, counts, width=0.6 * np.diff(values).min(), color=BLUE)
    elif is_log:
        is_integer = bool(np.all(values == np.round(values)))
        low, high = (values[0] - 0.5, values[-1] + 0.5) if is_integer else (values[0], values[-1])
        ax.hist(draws, bins=np.geomspace(low, high, 9 if is_integer else 25), color=BLUE)
        ax.set_xscale("log")
    else:
        ax.hist(draws, bins=25, color=BLUE)


def points() -> Figure:
    """Show 25 points of a grid, of random draws and of a Sobol sequence, with their values on each axis."""
    space = Space({"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-4, 1)})
    samples = {
        "GridSearch, resolution=5": space.grid(5),
        "RandomSearch": space.sample(25, random_state=0),
        'RandomSearch, sampler="sobol"': space.sample(25, random_state=0, method="sobol"),
    }
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained", sharey=True)
    for ax, (title, sample) in zip(axes, samples.items(), strict=True):
        C, gamma = (np.array([point[name] for point in sample]) for name in ("C", "gamma"))
        ax.scatter(C, gamma, color=BLUE, s=25, zorder=2)
        ax.scatter(C, np.full(len(C), 4e-5), marker="|", color=ORANGE, s=60)
        ax.scatter(np.full(len(C), 4e-3), gamma, marker="_", color=ORANGE, s=60)
        ax.set(title=title, xlabel="C", xscale="log", yscale="log")
    axes[0].set_ylabel("gamma")
    return figure


def one_standard_error_rule() -> Figure:
    """Show the scores of trees by their depth, and the candidate that the rule selects."""
    X, y = load_iris(return_X_y=True)
    depths = [1, 2, 3, 4, 5]
    tree = DecisionTreeClassifier(random_state=0)
    search = GridSearch(tree, {"max_depth": depths}, refit=one_standard_error(by="max_depth")).fit(X, y)
    means = search.cv_results_["mean_test_score"]
    scores = np.array([search.cv_results_[f"split{i}_test_score"] for i in range(search.n_splits_)])
    errors = scores.std(axis=0, ddof=1) / np.sqrt(len(scores))
    best, chosen = int(means.argmax()), search.best_index_
    figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
    ax.errorbar(
        depths[1:], means[1:], errors[1:], fmt="o", color=GREY, capsize=3, label="mean and standard error"
    )
    ax.axhline(means[best] - errors[best], color=ORANGE, ls="--", label="best mean minus its standard error")
    ax.plot(depths[best], means[best], "o", color=ORANGE, zorder=5, label="highest mean")
    ax.plot(depths[chosen], means[chosen], "o", color=BLUE, zorder=5, label="selected by the rule")
    ax.set(xlabel="max_depth", ylabel="accuracy", xticks=depths[1:])
    ax.legend(fontsize=8, loc="lower right")
    return figure


PICTURES = {"distributions": distributions, "points": points, "one_standard_error": one_standard_error_rule}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        draw().savefig(FOLDER / f"{name}.png", dpi=110)
