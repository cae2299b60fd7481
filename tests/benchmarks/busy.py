"""How busy the brackets of a ladder keep many workers.

Run by hand: ``python tests/benchmarks/busy.py``. Nothing is fitted: the evaluator of the tests simulates the
clock, and the times are uneven. It prints the share of their time that 16 workers work, by the number of
candidates and the size of the brackets.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from skhpt.engine import loop as engine
from skhpt.history import History
from skhpt.strategies.hyperband import Hyperband
from skhpt.strategies.schedule import ladder
from tests.strategies.test_hyperband import SimulatedEvaluator, noisy_score, plan_of, points, uneven_seconds


def main(n_workers=16, n_splits=5, sizes=(27, 81, 243)):
    """Print the table."""
    print(f"{'candidates':>10} " + " ".join(f"{f'brackets of {size}':>16}" for size in sizes))
    for n in (81, 243, 486, 972):
        shares = []
        for size in sizes:
            plan = plan_of(ladder(n, [3, 9, 27], n_splits=n_splits, factor=3, largest=size), n_splits, 27)
            evaluator = SimulatedEvaluator(n_workers, uneven_seconds, noisy_score, n_splits)
            engine.run(Hyperband(plan, points(n)), History(), evaluator, n_splits=n_splits)
            shares.append(evaluator.worked / (n_workers * evaluator.now))
        print(f"{n:10} " + " ".join(f"{share:16.2f}" for share in shares))


if __name__ == "__main__":
    main()
