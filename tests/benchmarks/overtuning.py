"""Is the best candidate better than the estimator as it is? Held-out scores of both, on the tables of `bed`.

Run by hand::

    python tests/benchmarks/overtuning.py defaults      # evaluates the estimators as they are, 15 seconds
    python tests/benchmarks/overtuning.py report --half development
    python tests/benchmarks/overtuning.py report --half validation

A search is a random sample of the candidates of a table, with the estimator as it is. Its gain is the score of its
best candidate minus that of the estimator as it is, on the folds, corrected (`corrected_gain_`), or on held-out rows.
`report` prints the bias of the two, how often the interval of the corrected one has the held-out gain, and for two
rules that a warning could have, how many searches whose best candidate is not better on held-out rows it finds, and
how many of the others it warns of. Best candidates that are the estimator as it is are left out.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from bed import tables
from bed.kinds import BY_KIND
from bed.problems import Problem

from skhpt import ManualSearch
from skhpt.results.gain import corrected_gain

RESULTS = Path(__file__).parent / "results" / "defaults.json"
SIZES, N_REPEATS = (10, 30, 100, 300), 20
#: Ratio of test to training rows, and the factor of the standard error of a difference (Nadeau and Bengio 2003).
TEST_RATIO = 1 / (tables.N_FOLDS - 1)
FACTOR = np.sqrt(1 / tables.N_FOLDS + TEST_RATIO)


def defaults() -> None:
    """Evaluate the estimators as they are on the folds and on the held-out rows of each table."""
    warnings.simplefilter("ignore")
    found = {}
    for kind, data in tables.stored():
        one = BY_KIND[kind]
        X, y, splits = tables.rows(data)
        search = ManualSearch(one.estimator, [{}], scoring=one.scoring, cv=splits, refit=False).fit(X, y)
        scores = [search.cv_results_[f"split{i}_test_score"][0] for i in range(len(splits))]
        found[f"{kind}:{data}"] = [round(float(score), 6) for score in scores]
    RESULTS.write_text(json.dumps(found, indent=0), encoding="utf-8")


def searches(kind: str, data: str, n: int, rng: np.random.Generator):
    """Yield the gains of searches: on held-out rows, corrected, and the differences of the folds."""
    table = tables.load(kind, data)
    own = np.array(json.loads(RESULTS.read_text(encoding="utf-8"))[f"{kind}:{data}"])
    works = np.flatnonzero(np.isfinite(table.scores).all(axis=1) & np.isfinite(table.held_out))
    for _ in range(N_REPEATS):
        rows = rng.choice(works, min(n, len(works)), replace=False)
        scores = np.vstack([own[:-1], table.scores[rows]])
        best = int(scores.mean(axis=1).argmax())
        if best:
            held_out = table.held_out[rows[best - 1]] - own[-1]
            yield held_out, corrected_gain(scores, best, 0, TEST_RATIO), scores[best] - scores[0]


def report(half: str) -> None:
    """Print the bias and the coverage of gains, and the rates of warnings."""
    rng = np.random.default_rng(0)
    cases = [case for case in tables.stored() if half in ("all", Problem(*case).half)]
    print(f"{len(cases)} problems ({half})")
    print(f"{'candidates':>10} {'worse':>6} {'bias of the mean':>18} {'corrected':>10} {'covered':>8}")
    warned = {"t < 0.5": [], "corrected gain < 0": []}
    better = []
    for n in SIZES:
        rows = [list(searches(*case, n, rng)) for case in cases]
        raw = [np.mean([gain.raw - held for held, gain, _ in each]) for each in rows if each]
        corrected = [np.mean([gain.gain - held for held, gain, _ in each]) for each in rows if each]
        flat = [row for each in rows for row in each]
        held_out = np.array([held for held, _, _ in flat])
        covered = np.mean([gain.low <= held <= gain.high for held, gain, _ in flat])
        print(
            f"{n:10} {100 * np.mean(held_out <= 0):4.0f} % {np.median(raw):+18.3f} {np.median(corrected):+10.3f} "
            f"{100 * covered:6.0f} %"
        )
        better += list(held_out > 0)
        t = [d.mean() / (FACTOR * d.std(ddof=1) + 1e-12) for _, _, d in flat]
        warned["t < 0.5"] += list(np.array(t) < 0.5)
        warned["corrected gain < 0"] += [gain.gain < 0 for _, gain, _ in flat]
    better = np.array(better)
    print("\nwarnings of searches whose best candidate is not better / better on held-out rows")
    for rule, each in warned.items():
        hits, false_alarms = (100 * np.mean(np.array(each)[part]) for part in (~better, better))
        print(f"{rule:20} {hits:4.0f} % / {false_alarms:.1f} %")


def main() -> None:
    """Evaluate or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["defaults", "report"])
    parser.add_argument("--half", choices=["development", "validation", "all"], default="all")
    given = parser.parse_args()
    if given.command == "defaults":
        defaults()
    else:
        report(given.half)


if __name__ == "__main__":
    main()
