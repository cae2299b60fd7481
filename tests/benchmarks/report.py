"""Time and size of reports: of searches with artificial trials, and of a real one.

Run with ``python tests/benchmarks/report.py``.
"""

import argparse
import time

import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_wine
from sklearn.svm import SVC

from skhpt import RandomSearch, Space, report
from skhpt.inspection import SearchData
from skhpt.space.summary import summarize_space
from skhpt.trial import Candidate, FoldScore, Trial


def artificial_search(n_candidates, n_params, n_splits=5, seed=0):
    """A search with `n_params` parameters, one failure in 50, and fits of 0.1 s on two workers."""
    space = Space(
        {f"step__param_{i}": loguniform(1e-3, 1e3) for i in range(n_params - 1)} | {"kind": list("abcd")}
    )
    rng = np.random.default_rng(seed)
    trials = []
    for i, params in enumerate(space.sample(n_candidates, random_state=seed)):
        quality = 1 - np.mean([np.log10(v) ** 2 for v in params.values() if not isinstance(v, str)]) / 9
        failed = rng.random() < 0.02
        folds = []
        for split in range(n_splits):
            start = 1.7e9 + 0.05 * (i * n_splits + split)
            folds.append(
                FoldScore(
                    i,
                    split,
                    None if failed else quality + rng.normal(0, 0.02),
                    fit_time=0.1,
                    state="failed" if failed else "ok",
                    error=f"Traceback (most recent call last):\nValueError: kind {i % 3}" if failed else None,
                    started=start,
                    ended=start + 0.1,
                    worker=str(split % 2),
                )
            )
        trials.append(Trial(Candidate(i, params), tuple(folds)))
    return SearchData(
        label="artificial",
        search="RandomSearch",
        trials=trials,
        params=[trial.candidate.params for trial in trials],
        metrics=["score"],
        metric="score",
        space=summarize_space(space),
        n_splits=n_splits,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", help="path of the page of the largest search")
    save = parser.parse_args().save
    real = RandomSearch(
        SVC(), {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-6, 1)}, n_iter=200, random_state=0
    )
    real.fit(*load_wine(return_X_y=True))
    report(real)  # imports matplotlib
    sources = {"real search, 200 candidates, 2 parameters": real}
    for n_candidates, n_params in [(200, 4), (2000, 4), (2000, 12), (10_000, 8)]:
        name = f"artificial, {n_candidates} candidates, {n_params} parameters"
        sources[name] = artificial_search(n_candidates, n_params)
    print(f"{'source':50}  seconds  CPU seconds    MB")
    for name, source in sources.items():
        start, cpu = time.perf_counter(), time.process_time()
        page = report(source)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        size = len(page.html.encode()) / 1e6
        print(f"{name:50}  {seconds:7.1f}  {cpu_seconds:11.1f}  {size:4.2f}", flush=True)
        if save and "2000 candidates, 12" in name:
            page.save(save)


if __name__ == "__main__":
    main()
