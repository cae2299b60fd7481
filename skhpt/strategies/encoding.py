"""Candidates as points of the unit cube."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np

from skhpt.identity import params_key
from skhpt.space.space import Space
from skhpt.trial import Candidate, Trial


@dataclass(frozen=True)
class EncodedTrial:
    """A candidate and its point in the unit cube.

    Attributes
    ----------
    candidate : Candidate
        The candidate.
    key : hashable
        Equal for candidates with the same parameters.
    u : ndarray of shape (D,), or None
        Point in the cube, with NaN where a column does not belong to its branch; None outside of the space.
    """

    candidate: Candidate
    key: Hashable
    u: np.ndarray | None


class Encoder:
    """Map from trials to points of the cube, which encodes each candidate only once.

    Parameters
    ----------
    space : Space
        Search space.
    """

    def __init__(self, space: Space):
        self.space = space
        # By id() of the candidate. Each value holds its candidate, so that no id is used twice.
        self._encoded: dict[int, EncodedTrial] = {}

    def __call__(self, trials: Iterable[Trial]) -> list[EncodedTrial]:
        """Encode trials."""
        candidates = [trial.candidate for trial in trials]
        new = [candidate for candidate in candidates if id(candidate) not in self._encoded]
        if new:
            points = self.space.locate([candidate.params for candidate in new])
            for candidate, u in zip(new, points, strict=True):
                self._encoded[id(candidate)] = EncodedTrial(candidate, params_key(candidate.params), u)
        return [self._encoded[id(candidate)] for candidate in candidates]
