"""The lines that ``verbose=1`` prints."""

import re

import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from skhpt import ManualSearch, RandomSearch
from tests.callbacks.searches import SEARCHES, UNIFORM, X, Y, make
from tests.estimators import FailsBelow

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores"),
]


def printed(capsys):
    """Return the printed lines, without the times."""
    return re.sub(r", [\d.]+ (ms|s|min|h),", ", TIME,", capsys.readouterr().out).splitlines()


@pytest.mark.parametrize("kind", SEARCHES)
def test_without_verbose_nothing_is_printed(kind, capsys):
    make(kind).fit(X, Y)
    assert not capsys.readouterr().out


def test_a_line_for_each_candidate_with_the_best_so_far(capsys):
    make("manual", verbose=1).fit(X, Y)
    assert printed(capsys) == [
        "ManualSearch: at most 5 candidates, 3 folds",
        "[1/5] candidate 0: score 0.6000 ± 0.0000, TIME, value=0.6; best so far",
        "[2/5] candidate 1: score 0.9000 ± 0.0000, TIME, value=0.9; best so far",
        "[3/5] candidate 2: failed on 3 folds (ArithmeticError: too low), TIME, value=0.1; "
        "best so far 0.9000, candidate 1",
        "[4/5] candidate 3: score 0.7000 ± 0.0000, TIME, value=0.7; best so far 0.9000, candidate 1",
        "[5/5] candidate 4: score 0.9500 ± 0.0000, TIME, value=0.95; best so far",
    ]


def test_bayesian_optimisation_does_not_announce_rounds(capsys):
    make("bayes", verbose=1).fit(X, Y)
    lines = printed(capsys)
    assert lines[0] == "BayesSearchCV: at most 5 candidates, 3 folds"
    assert [line[:5] for line in lines[1:]] == [f"[{i}/5]" for i in range(1, 6)]
    make("bayes", verbose=1, max_pending=3).fit(X, Y)
    assert printed(capsys)[0] == "BayesSearchCV: at most 5 candidates, 3 folds, max_pending=3"


def test_hyperband_names_the_rung(capsys):
    make("hyperband", verbose=1).fit(X, Y)
    lines = printed(capsys)
    assert re.fullmatch(r"HyperbandSearchCV: at most \d+ trials on all rungs, 3 folds", lines[0])
    assert re.search(r"candidate \d on rung 0/1, folds=1: score \S+, TIME, value=", lines[1])
    assert re.search(r"candidate \d on rung 1/1, folds=3: score \S+ ± ", lines[-1])


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_searches_that_replace_those_of_scikit_learn_print_its_line(kind, capsys):
    make(kind, verbose=1, reuse=False).fit(X, Y)
    assert printed(capsys) == ["Fitting 3 folds for each of 5 candidates, totalling 15 fits"]


def test_resuming_says_what_the_journal_brought(tmp_path, capsys):
    path = tmp_path / "search.jsonl"
    make("random", journal=path).fit(X, Y)
    lines = path.read_text().splitlines(keepends=True)
    folds = [i for i, line in enumerate(lines) if '"split"' in line or line.startswith('{"fold"')]
    path.write_text("".join(lines[: folds[7] + 1]))
    for expected in (
        "search.jsonl: 2 candidates and 2 more folds are taken over",
        "search.jsonl: 5 candidates are",
    ):
        make("random", journal=path, verbose=1, reuse=False).fit(X, Y)
        assert capsys.readouterr().out.startswith(expected)


def test_a_warm_start_says_what_it_keeps(capsys):
    search = make("manual", warm_start=True).fit(X, Y)
    search.set_params(candidates=[*search.candidates, {"value": 0.8}], verbose=1).fit(X, Y)
    assert printed(capsys)[1:] == [
        "earlier results: 5 candidates are taken over",
        "[6/6] candidate 5: score 0.8000 ± 0.0000, TIME, value=0.8; best so far 0.9500, candidate 4",
    ]


def test_a_race_names_eliminated_candidates(capsys):
    search = ManualSearch(FailsBelow(), [{}], cv=4)
    assert not search.racing
    make("bayes", racing=True, cv=4, verbose=1).set_params(n_iter=12).fit(X, Y)
    assert re.search(r"eliminated after \d folds?, TIME, value=", "\n".join(printed(capsys)))


def test_the_metric_that_decides_is_named(capsys):
    search = ManualSearch(
        SVC(), [{}, {"C": 10}], scoring=["accuracy", "f1_macro"], refit="f1_macro", verbose=1, reuse=False
    )
    search.fit(*load_iris(return_X_y=True))
    lines = printed(capsys)
    assert re.search(r"f1_macro 0\.9\d+ ± 0\.\d+, TIME, the estimator as it is; best so far$", lines[1])


def test_evaluating_a_point_prints_its_comparison_only(capsys):
    search = make("manual", verbose=1).fit(X, Y)
    capsys.readouterr()
    search.evaluate(X, Y, value=0.99)
    assert capsys.readouterr().out.splitlines() == [
        "value=0.99: score 0.9900 ± 0.0000, +0.0400 against the best so far (0.9500)"
    ]


def test_the_lines_of_fits_are_printed_too(capsys):
    make("manual", verbose=2).fit(X, Y)
    lines = printed(capsys)
    assert sum(line.startswith("[CV] END") for line in lines) == 15
    assert sum(line.startswith("[") and "/5]" in line for line in lines) == 5


def test_rounds_that_a_subclass_chooses(capsys):
    class Rounds(RandomSearch):
        _prints_rounds = False

        def _run_search(self, evaluate_candidates):
            evaluate_candidates([{"value": 0.6}])
            evaluate_candidates([{"value": 0.7}])

    Rounds(FailsBelow(), UNIFORM, cv=3, refit=False, verbose=1).fit(X, Y)
    assert printed(capsys) == [
        "Rounds: 3 folds for each candidate",
        "[1] candidate 0: score 0.6000 ± 0.0000, TIME, value=0.6; best so far",
        "[2] candidate 1: score 0.7000 ± 0.0000, TIME, value=0.7; best so far",
    ]
