"""Where candidates lie in the unit cube, each looked up once however often a strategy is asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np

from skhpt.identity import params_key
from skhpt.space.space import Space
from skhpt.trial import Candidate, Trial


@dataclass(frozen=True)
class EncodedTrial:
    """What is known of a candidate.

    Attributes
    ----------
    candidate : Candidate
        The candidate.
    key : hashable
        The same for candidates with the same parameters.
    u : ndarray of shape (D,), or None
        Its place in the cube; None if it is no point of the space.
    """

    candidate: Candidate
    key: Hashable
    u: np.ndarray | None

    @property
    def is_inside(self) -> bool:
        """Whether it is a point of the space."""
        return self.u is not None


class Encoder:
    """The places of candidates in a space.

    Parameters
    ----------
    space : Space
        The space.
    """

    def __init__(self, space: Space):
        self.space = space
        self._known: dict[int, EncodedTrial] = {}  # by the identity of candidates, which live as long as their places

    def __call__(self, trials: Iterable[Trial]) -> list[EncodedTrial]:
        """Return the places of trials."""
        candidates = [trial.candidate for trial in trials]
        new = [candidate for candidate in candidates if id(candidate) not in self._known]
        if new:
            for candidate, u in zip(new, self.space.locate([candidate.params for candidate in new]), strict=True):
                self._known[id(candidate)] = EncodedTrial(candidate, params_key(candidate.params), u)
        return [self._known[id(candidate)] for candidate in candidates]
