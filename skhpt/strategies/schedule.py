"""Plans of multi-fidelity searches: brackets of rungs, computed before anything runs, with integer arithmetic only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from skhpt._html import box, paragraph, table
from skhpt._typing import Params
from skhpt.trial import Candidate

#: Columns of a plan that describe its rungs.
PLAN_COLUMNS = ("bracket", "rung", "n_candidates", "n_resources", "n_folds")
#: Resources that are no parameters of the estimator.
NOT_PARAMETERS = ("n_samples", "epochs", "folds")


def shown_params(candidate: Candidate, resource: str) -> Params:
    """Return the parameters of a candidate as results show them: with the resource, if it is one of them.

    Parameters
    ----------
    candidate : Candidate
        The candidate.
    resource : str
        Name of the resource; empty for a search without one.
    """
    if not resource or resource in NOT_PARAMETERS:
        return candidate.params
    return {**candidate.params, resource: candidate.resource}


@dataclass(frozen=True)
class Rung:
    """One step of a bracket.

    Attributes
    ----------
    n_candidates : int
        Maximum number of candidates.
    resource : int
        Resource that each candidate is trained with.
    n_folds : int
        Number of folds that each candidate is scored on.
    """

    n_candidates: int
    resource: int
    n_folds: int


@dataclass(frozen=True)
class Bracket:
    """Rungs, each with the best candidates of the rung before.

    Attributes
    ----------
    rungs : tuple of Rung
        From the cheapest to the most expensive.
    first_split : int
        The first evaluated fold of rungs without all folds.
    first_iter : int
        Level of the resource of the first rung.
    """

    rungs: tuple[Rung, ...]
    first_split: int = 0
    first_iter: int = 0

    def splits(self, rung: int, n_splits: int) -> list[int]:
        """Return the evaluated folds of a rung."""
        return sorted((self.first_split + i) % n_splits for i in range(self.rungs[rung].n_folds))


@dataclass(frozen=True)
class Plan:
    """All brackets of a search, and what they cost.

    Attributes
    ----------
    resource : str
        Name of the resource.
    max_resources : int
        Largest resource.
    n_splits : int
        Number of folds.
    brackets : tuple of Bracket
        The brackets.
    continues : bool
        Whether promoted candidates continue their training instead of beginning again.
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
        """Number of candidates."""
        return sum(bracket.rungs[0].n_candidates for bracket in self.brackets)

    @property
    def n_rows(self) -> int:
        """Maximum number of rows of the table of results: candidates, counted on every rung."""
        return sum(rung.n_candidates for bracket in self.brackets for rung in bracket.rungs)

    @property
    def full_fits(self) -> float:
        """Cost of all training, in fits with the largest resource on one fold."""
        costs = [self._cost(bracket, i) for bracket in self.brackets for i in range(len(bracket.rungs))]
        return float(sum(costs))

    def trial_cost(self, b: int, i: int) -> float:
        """Return the cost of one candidate on rung `i` of bracket `b`, in full fits."""
        return float(self._cost(self.brackets[b], i) / self.brackets[b].rungs[i].n_candidates)

    def _cost(self, bracket: Bracket, i: int) -> Fraction:
        """Return the cost of a rung, in full fits."""
        rung = bracket.rungs[i]
        cost = self._share(rung) * rung.n_folds
        if i and (self.continues or self._share(bracket.rungs[i - 1]) == self._share(rung)):
            before = bracket.rungs[i - 1]  # its models continue, or its scores are known
            cost -= self._share(before) * before.n_folds
        return cost * rung.n_candidates

    def _share(self, rung: Rung) -> Fraction:
        """Return the cost of one fit, in full fits."""
        return Fraction(1) if self.resource == "folds" else Fraction(rung.resource, self.max_resources)

    def __str__(self) -> str:
        if not self.brackets:
            return "nothing to do: there are no candidates"
        return "\n".join([*_table_lines(*self._table()), self._total()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        if not self.brackets:
            return box("Plan", paragraph("nothing to do: there are no candidates"))
        return box("Plan", table(*self._table()), paragraph(self._total()))

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """Return the head and the cells of the table of all rungs."""
        rows = [{**row, "full_fits": f"{row['full_fits']:.1f}"} for row in self]
        names = [name for name in rows[0] if not (name == "n_folds" and self.resource == "folds")]
        heads = {
            "n_candidates": "candidates",
            "n_resources": self.resource,
            "n_folds": "folds",
            "full_fits": "full fits",
        }
        return [heads.get(name, name) for name in names], [[str(row[name]) for name in names] for row in rows]

    def _total(self) -> str:
        n_full = self.n_candidates * self.n_splits
        return (
            f"total: {self.full_fits:.1f} full fits; all {self.n_candidates} candidates on {self.n_splits} folds would "
            f"take {n_full}, {n_full / self.full_fits:.1f} times as many"
        )


def _table_lines(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = []
    for row in [head, rule, *rows]:
        lines.append("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    return lines


def levels(minimum: int, maximum: int, factor: int) -> list[int]:
    """Return the levels of a resource, in increasing order.

    The levels are `maximum`, ``maximum // factor``, ``maximum // factor**2`` and so on, as long as they are
    at least `minimum`.
    """
    found = [maximum]
    while found[-1] // factor >= minimum:
        found.append(maximum // factor ** len(found))
    return found[::-1]


def survivors(n: int, n_rungs: int, factor: int) -> list[int]:
    """Return the number of candidates on each rung, of `n` on the first."""
    return [max(1, n // factor**i) for i in range(n_rungs)]  # Li et al. 2018, Algorithm 1, line 5


def ladder(
    n: int | None, resources: Sequence[int], *, n_splits: int, factor: int, largest: int
) -> tuple[Bracket, ...]:
    """Return brackets that increase the resource on one fold, then score on all folds with the largest resource.

    Each bracket begins with another fold, so that the selection does not depend on a single fold.

    Parameters
    ----------
    n : int or None
        Number of candidates; None for `factor` candidates on the last rung.
    resources : list of int
        Levels of the resource.
    n_splits : int
        Number of folds.
    factor : int
        One of `factor` candidates is promoted.
    largest : int
        Maximum number of candidates of a bracket.
    """
    steps = [(resource, 1) for resource in resources]
    if n_splits > 1:
        steps.append((resources[-1], n_splits))
    return _equal_brackets(n, steps, n_splits=n_splits, factor=factor, largest=largest)


def folds_only(n: int | None, *, n_splits: int, factor: int, largest: int) -> tuple[Bracket, ...]:
    """Return brackets that increase the number of folds: from one fold by `factor` (rounded up) to all folds."""
    numbers = [n_splits]
    while numbers[-1] > 1:
        numbers.append(-(-numbers[-1] // factor))  # rounded up
    steps = [(n_folds, n_folds) for n_folds in reversed(numbers)]
    return _equal_brackets(n, steps, n_splits=n_splits, factor=factor, largest=largest)


def halving(n: int | None, resources: Sequence[int], *, n_splits: int, factor: int) -> tuple[Bracket, ...]:
    """Return one bracket of successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943), with all folds."""
    n = factor ** len(resources) if n is None else n
    numbers = survivors(n, len(resources), factor)
    return (Bracket(tuple(Rung(m, r, n_splits) for m, r in zip(numbers, resources, strict=True))),)


def hyperband(n: int | None, resources: Sequence[int], *, n_splits: int, factor: int) -> tuple[Bracket, ...]:
    """Return the brackets of Hyperband (Li et al. 2018, arXiv:1603.06560, Algorithm 1), with all folds.

    Parameters
    ----------
    n : int or None
        Number of candidates, divided among the brackets in the proportions of the paper; None for its
        numbers.
    resources : list of int
        Levels of the resource.
    n_splits : int
        Number of folds.
    factor : int
        One of `factor` candidates is promoted.
    """
    s_max = len(resources) - 1
    # Algorithm 1, lines 1 and 2, with B = (s_max + 1) R: n = ceil((s_max + 1) factor^s / (s + 1)).
    numbers = [-(-(s_max + 1) * factor**s // (s + 1)) for s in range(s_max, -1, -1)]
    if n is not None:
        total = sum(numbers)
        ends = [round(n * sum(numbers[: i + 1]) / total) for i in range(len(numbers))]
        numbers = [end - start for start, end in zip([0, *ends], ends)]
    brackets = []
    for i, number in enumerate(numbers):
        if number:
            # Lines 4 to 6: bracket s = s_max - i has s + 1 rungs, with the resources factor^-s R to R.
            rungs = zip(survivors(number, s_max + 1 - i, factor), resources[i:], strict=True)
            brackets.append(Bracket(tuple(Rung(m, r, n_splits) for m, r in rungs), first_iter=i))
    return tuple(brackets)


def _equal_brackets(
    n: int | None, steps: list[tuple[int, int]], *, n_splits: int, factor: int, largest: int
) -> tuple[Bracket, ...]:
    """Return brackets with the same steps (resource, number of folds), each of at most `largest` candidates."""
    n = factor ** len(steps) if n is None else n
    brackets = []
    for b, n_begun in enumerate(range(0, n, largest)):
        numbers = survivors(min(largest, n - n_begun), len(steps), factor)
        rungs = tuple(Rung(m, *step) for m, step in zip(numbers, steps, strict=True))
        brackets.append(Bracket(rungs, first_split=b % n_splits))
    return tuple(brackets)
