"""The plan of a multi-fidelity search: brackets of rungs, known before anything runs. Integer arithmetic only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Rung:
    """One step of a bracket.

    Attributes
    ----------
    n_candidates : int
        Candidates at most.
    resource : int
        What each is trained with.
    n_folds : int
        Folds that each is scored on.
    """

    n_candidates: int
    resource: int
    n_folds: int


@dataclass(frozen=True)
class Bracket:
    """Rungs, each with the survivors of the one before.

    Attributes
    ----------
    rungs : tuple of Rung
        From the cheapest to the dearest.
    first_split : int
        The fold that comes first if not all do.
    first_iter : int
        The level of the resource that it begins with.
    """

    rungs: tuple[Rung, ...]
    first_split: int = 0
    first_iter: int = 0

    def splits(self, rung: int, n_splits: int) -> list[int]:
        """Return the folds of a rung."""
        return sorted((self.first_split + i) % n_splits for i in range(self.rungs[rung].n_folds))


@dataclass(frozen=True)
class Plan:
    """What a search will do.

    Attributes
    ----------
    resource : str
        Its name.
    max_resources : int
        All of it.
    n_splits : int
        Number of folds.
    brackets : tuple of Bracket
        What to do.
    continues : bool
        Whether survivors go on with their training.
    """

    resource: str
    max_resources: int
    n_splits: int
    brackets: tuple[Bracket, ...]
    continues: bool

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Return the rungs of all brackets as rows of a table."""
        for b, bracket in enumerate(self.brackets):
            for i, rung in enumerate(bracket.rungs):
                yield {
                    "bracket": b,
                    "rung": i,
                    "n_candidates": rung.n_candidates,
                    "n_resources": rung.resource,
                    "n_folds": rung.n_folds,
                    "full_fits": float(self._cost(bracket, i)),
                }

    @property
    def n_candidates(self) -> int:
        """Candidates that begin."""
        return sum(bracket.rungs[0].n_candidates for bracket in self.brackets)

    @property
    def n_rows(self) -> int:
        """Rows of the table of results: candidates, once for every rung that they reach."""
        return sum(rung.n_candidates for bracket in self.brackets for rung in bracket.rungs)

    @property
    def full_fits(self) -> float:
        """Training, in units of one fit with all of the resource on one fold."""
        return float(sum(self._cost(bracket, i) for bracket in self.brackets for i in range(len(bracket.rungs))))

    def _cost(self, bracket: Bracket, i: int) -> Fraction:
        rung = bracket.rungs[i]
        cost = self._share(rung) * rung.n_folds
        if i and (self.continues or self._share(bracket.rungs[i - 1]) == self._share(rung)):
            before = bracket.rungs[i - 1]  # its models go on, or its scores are known
            cost -= self._share(before) * before.n_folds
        return cost * rung.n_candidates

    def _share(self, rung: Rung) -> Fraction:
        """Return the training of one model, in units of a full fit."""
        return Fraction(1) if self.resource == "folds" else Fraction(rung.resource, self.max_resources)

    def __str__(self) -> str:
        rows = [{**row, "full_fits": f"{row['full_fits']:.1f}"} for row in self]
        heads = {
            "n_candidates": "candidates",
            "n_resources": self.resource,
            "n_folds": "folds",
            "full_fits": "full fits",
        }
        if not rows:
            return "nothing to do: there are no candidates"
        names = [name for name in rows[0] if not (name == "n_folds" and self.resource == "folds")]
        lines = [tuple(heads.get(name, name) for name in names)]
        lines += [tuple(str(row[name]) for name in names) for row in rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        lines.insert(1, tuple("-" * width for width in widths))
        table = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        whole = self.n_candidates * self.n_splits
        table.append(
            f"total: {self.full_fits:.1f} full fits; all {self.n_candidates} candidates on {self.n_splits} folds would "
            f"take {whole}, {whole / self.full_fits:.1f} times as many"
        )
        return "\n".join(table)


def levels(minimum: int, maximum: int, factor: int) -> list[int]:
    """Divide `maximum` by `factor` for as long as `minimum` is not passed; the smallest level comes first."""
    found = [maximum]
    while found[-1] // factor >= minimum:
        found.append(maximum // factor ** len(found))
    return found[::-1]


def survivors(n: int, n_rungs: int, factor: int) -> list[int]:
    """Return how many of `n` candidates reach each rung."""
    return [max(1, n // factor**i) for i in range(n_rungs)]


def ladder(n: int | None, resources: Sequence[int], n_splits: int, factor: int, largest: int) -> tuple[Bracket, ...]:
    """Climb the resource on one fold, then take all folds: folds are a resource too.

    Each bracket begins with another fold, so that what wins is not what one of the folds happens to favour.

    Parameters
    ----------
    n : int or None
        Number of candidates; None for `factor` at the top.
    resources : list of int
        Levels of the resource.
    n_splits : int
        Number of folds.
    factor : int
        One of so many candidates reaches the next rung.
    largest : int
        Candidates of a bracket; more make further brackets.
    """
    steps = [(resource, 1) for resource in resources]
    steps += [(resources[-1], n_splits)] if n_splits > 1 else []
    return _by_steps(n, steps, n_splits, factor, largest)


def folds_only(n: int | None, n_splits: int, factor: int, largest: int) -> tuple[Bracket, ...]:
    """Climb the folds: all, a `factor`-th of them (rounded up), and so on down to one."""
    numbers = [n_splits]
    while numbers[-1] > 1:
        numbers.append(-(-numbers[-1] // factor))
    return _by_steps(n, [(n_folds, n_folds) for n_folds in reversed(numbers)], n_splits, factor, largest)


def halving(n: int | None, resources: Sequence[int], n_splits: int, factor: int) -> tuple[Bracket, ...]:
    """Successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943): one bracket, all folds on every rung."""
    n = factor ** len(resources) if n is None else n
    numbers = survivors(n, len(resources), factor)
    return (Bracket(tuple(Rung(m, r, n_splits) for m, r in zip(numbers, resources, strict=True))),)


def hyperband(n: int | None, resources: Sequence[int], n_splits: int, factor: int) -> tuple[Bracket, ...]:
    """Hyperband's brackets (Li et al. 2018, arXiv:1603.06560, Algorithm 1): many candidates or much for each.

    Of `n` candidates each bracket gets its share; None for the numbers of the paper.
    """
    s_max = len(resources) - 1
    numbers = [-(-(s_max + 1) * factor**s // (s + 1)) for s in range(s_max, -1, -1)]  # a rounded-up quotient
    if n is not None:
        total = sum(numbers)
        ends = [round(n * sum(numbers[: i + 1]) / total) for i in range(len(numbers))]
        numbers = [end - start for start, end in zip([0, *ends], ends)]
    brackets = []
    for i, number in enumerate(numbers):
        rungs = zip(survivors(number, s_max + 1 - i, factor), resources[i:], strict=True)
        brackets.append(Bracket(tuple(Rung(m, r, n_splits) for m, r in rungs), first_iter=i))
    return tuple(bracket for bracket, number in zip(brackets, numbers, strict=True) if number)


def _by_steps(
    n: int | None, steps: list[tuple[int, int]], n_splits: int, factor: int, largest: int
) -> tuple[Bracket, ...]:
    n = factor ** len(steps) if n is None else n
    sizes = [min(largest, n - begun) for begun in range(0, n, largest)]
    return tuple(
        Bracket(
            tuple(Rung(m, *step) for m, step in zip(survivors(size, len(steps), factor), steps, strict=True)),
            b % n_splits,
        )
        for b, size in enumerate(sizes)
    )
