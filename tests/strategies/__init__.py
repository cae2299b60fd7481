"""Histories that several tests of strategies use."""

from skhpt.history import History
from skhpt.trial import Candidate, FoldScore, Trial


def trial_of(number, *scores, x=0.5):
    """A trial with a score for each fold; None stands for a skipped fold."""
    folds = (
        FoldScore(number, i, s, fit_time=1.0, state="skipped" if s is None else "ok")
        for i, s in enumerate(scores)
    )
    return Trial(Candidate(number, {"x": x}), tuple(folds))


def sobol_trials(space, scores, n_splits=2):
    """Sobol points of a space as finished trials, with a score for each trial."""
    points = space.sample(len(scores), 0, method="sobol", unique=True)
    return [
        Trial(Candidate(i, params), tuple(FoldScore(i, split, score) for split in range(n_splits)))
        for i, (params, score) in enumerate(zip(points, scores, strict=True))
    ]


def history_of(points, score):
    """A history of finished trials with one fold, from points and a function ``score(**params)``."""
    return History(
        Trial(Candidate(i, params), (FoldScore(i, 0, score(**params)),)) for i, params in enumerate(points)
    )
