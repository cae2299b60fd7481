"""Reports: sources, content, files, and what the page is made of."""

import builtins
import os
import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import GridSearch, HyperbandSearchCV, RandomSearch, Space, read_journal, report
from skhpt._html import clean
from skhpt.history import History
from skhpt.inspection import SearchData
from skhpt.space.summary import summarize_space
from skhpt.trial import Candidate, FoldScore, Trial
from tests.reporting.pages import Page

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

X, y = load_iris(return_X_y=True)
PIPELINE = Pipeline([("scale", StandardScaler()), ("svc", SVC())])
HOSTILE = "<script>document.body.append(document.createElement('x-inserted'))</script>'\"]]>\x00\ud800"


#: Elements of a page without pictures.
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "h1",
    "p",
    "nav",
    "ul",
    "li",
    "a",
    "main",
    "section",
}
TAGS |= {"h2", "dl", "div", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre", "code"}
TAGS |= {"section", "details", "summary", "footer", "script"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def search(folder):
    """A search with a journal, failures, predictions and three parameters."""
    space = {
        "svc__C": loguniform(1e-2, 100),
        "svc__gamma": loguniform(1e-3, 1),
        "svc__kernel": ["rbf", "bad"],
    }
    search = RandomSearch(
        PIPELINE,
        space,
        n_iter=12,
        cv=3,
        random_state=0,
        return_predictions=True,
        journal=folder / "runs.jsonl",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of failures
        return search.fit(X, y)


@pytest.fixture(scope="module")
def page(search):
    return Page(report(search).html)


def table_search(**columns):
    n = len(next(iter(columns.values())))
    return {"params": [{"C": i} for i in range(n)], "mean_fit_time": np.full(n, 0.1), **columns}


# -- content ---------------------------------------------------------------------------------------------------


def test_a_report_has_the_sections_for_which_there_are_data(page):
    assert page.headings == [
        "Best candidate",
        "Search",
        "History",
        "Importance",
        "Parameters",
        "Pairs of parameters",
        "Parallel coordinates",
        "Timeline",
        "Failures",
        "Leaderboard",
        "Shared fits",
        "Versions",
    ]


def test_a_picture_for_which_data_are_lacking_says_which():
    results = {"params": [{"a": i, "b": -i} for i in range(3)], "mean_test_score": np.array([0.1, 0.2, 0.3])}
    page = Page(report(results).html)
    assert "Importance" in page.headings
    assert "Not shown: importances need at least 4 candidates with a score, got 3 (3 trials)." in page.texts


def test_it_says_what_was_searched(page, search):
    for text in ("RandomSearch", "Pipeline", "X ndarray (150, 4)", "n_iter=12", "0.01 to 100", "logarithmic"):
        assert text in page.text
    assert f"mean score {search.best_score_:.4f} ± " in page.text
    assert "corrected score" in page.text


def test_the_code_builds_the_best_estimator(page, search):
    code = next(text for text in page.texts if "estimator = " in text)
    names = {}
    exec(code, names)
    assert repr(names["estimator"]) == repr(search.best_estimator_)


def test_failures_are_grouped_with_one_traceback(page, search):
    n = sum(trial.state == "failed" for trial in search.history_)
    summary = next(text for text in page.texts if text.startswith("sklearn.utils._param_validation"))
    assert summary.endswith(f"({3 * n} folds, {n} candidates)")
    assert page.tags.count("details") == 1
    assert "Traceback (most recent call last)" in page.text


def test_the_leaderboard_has_a_row_for_each_candidate(page):
    rows = re.search(r"12 candidates, the best first.*?</table>", page.html, re.DOTALL)[0]
    assert rows.count("<tr>") == 13


def test_a_journal_has_a_report_with_its_events(search, folder):
    page = Page(report(folder / "runs.jsonl", plots=False).html)
    assert "Report of runs (RandomSearch)" in page.texts
    assert "Course of the search" in page.headings
    for text in (
        "ended",
        "reason: completed",
        "Pipeline (StandardScaler, SVC)",
        "estimator.set_params( svc__C=",
    ):
        assert text in page.text
    assert Page(report(read_journal(folder / "runs.jsonl"), plots=False).html).headings == page.headings


def test_a_journal_of_a_dead_search_says_so(search, folder):
    lines = (folder / "runs.jsonl").read_bytes().splitlines(keepends=True)
    path = folder / "dead.jsonl"
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    page = Page(report(path, plots=False).html)
    assert "its process is dead" in page.text
    assert re.search(r"unfinished candidates [1-9]", page.text)


def test_searches_of_scikit_learn_have_a_report():
    search = GridSearchCV(SVC(), {"C": [0.1, 1], "kernel": ["rbf", "linear"]}, cv=3).fit(X, y)
    page = Page(report(search, plots=False).html)
    assert page.headings == ["Best candidate", "Search", "Leaderboard", "Versions"]
    assert "GridSearchCV" in page.text
    assert 'estimator = SVC(C=1, kernel="linear")' in page.text


def test_a_table_of_results_has_a_report():
    page = Page(report(table_search(mean_test_score=np.array([0.5, 0.7])), plots=False).html)
    assert page.headings == ["Best candidate", "Search", "Leaderboard", "Versions"]
    assert "estimator.set_params(C=1)" in page.text


@pytest.mark.parametrize("scores", [[0.5], [np.nan], [np.nan, np.nan], [0.5, 0.5]])
def test_a_search_with_one_candidate_or_without_scores_has_a_report(scores):
    page = Page(report(table_search(mean_test_score=np.array(scores))).html)
    assert page.headings[:2] == ["Best candidate", "Search"]
    assert ("candidates has a score" in page.text) == np.isnan(scores).all()


def test_a_search_without_finished_candidates_has_a_report():
    data = SearchData(
        label="new",
        search="GridSearch",
        trials=[],
        params=[],
        metrics=["score"],
        metric="score",
        space=[],
        n_splits=3,
    )
    page = Page(report(data).html)
    assert "No candidate is finished yet." in page.text
    assert page.headings == ["Best candidate", "Search", "Versions"]


def test_rungs_have_a_picture_and_a_candidate_on_several_rungs_one_row():
    search = HyperbandSearchCV(
        SVC(), {"C": loguniform(1e-2, 100)}, resource="n_samples", n_candidates=9, cv=2, random_state=0
    ).fit(X, y)
    page = Page(report(search).html)
    assert "Rungs" in page.headings
    assert "9 candidates, the best first" in page.text
    rows = re.search(r"9 candidates, the best first.*?</table>", page.html, re.DOTALL)[0]
    assert re.findall(r">(\d+)</td><td[^>]*>(\d+)</td>", rows)[0][0] == "1"
    assert f"mean score {search.best_score_:.4f}" in page.text


def test_several_metrics_are_in_the_report_and_another_one_can_rank():
    columns = {"mean_test_a": np.array([0.1, 0.9]), "mean_test_b": np.array([5.0, 3.0])}
    page = Page(report(table_search(**columns)).html)
    assert "Metrics" in page.headings
    assert "mean a 0.9000" in page.text
    assert "mean b 3.0000" in page.text
    other = Page(report(table_search(**columns), metric="b", plots=False).html)
    assert "estimator.set_params(C=0)" in other.text


def test_eliminated_candidates_are_counted():
    folds = [FoldScore(0, 0, 0.5), FoldScore(0, 1, None, state="skipped")]
    trials = [
        Trial(Candidate(0, {"C": 0}), tuple(folds)),
        Trial(Candidate(1, {"C": 1}), (FoldScore(1, 0, 0.7), FoldScore(1, 1, 0.6))),
    ]
    data = search_data(trials)
    page = Page(report(data, plots=False).html)
    assert "Failures and eliminated candidates" in page.headings
    assert "eliminated 1 of 2 candidates" in page.text


def search_data(trials, **kwargs):
    space = kwargs.pop("space", {"C": [0, 1, 2]})
    values = {
        "label": "made",
        "search": "Made",
        "metrics": ["score"],
        "metric": "score",
        "space": summarize_space(Space(space)),
        "n_splits": len(trials[0].folds),
    }
    return SearchData(trials=trials, params=[t.candidate.params for t in trials], **{**values, **kwargs})


# -- the page --------------------------------------------------------------------------------------------------


def test_a_page_needs_no_network(page):
    assert not [link for link in page.links if not link.startswith(("#", "data:"))]
    assert "@import" not in page.html
    assert "default-src 'none'" in page.html


def test_ids_are_unique_and_links_lead_to_one(page):
    assert len(set(page.ids)) == len(page.ids)
    used = [link[1:] for link in page.links if link.startswith("#")]
    used += re.findall(r"url\(#([^)]*)\)", page.html)
    assert not set(used) - set(page.ids)


def test_pictures_have_texts_for_all(page):
    n = page.tags.count("figure")
    assert n >= 6
    assert page.tags.count("svg") == page.tags.count("figcaption") == page.html.count('role="img"') == n
    assert page.html.count("aria-label") >= n
    assert "svc__gamma</text>" in page.html  # texts are texts, not shapes


def test_headings_are_in_order(page):
    levels = [tag for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == "h1"
    assert set(levels[1:]) == {"h2"}
    assert page.html.count("<caption>") == page.tags.count("table")


def test_a_report_is_shown_in_a_frame_of_a_notebook():
    made = report(table_search(mean_test_score=np.array([0.5])), plots=False)
    frame = Page(made._repr_html_())
    assert frame.tags == ["iframe"]
    assert "Report" in repr(made)


# -- hostile texts ---------------------------------------------------------------------------------------------


def hostile_data(text):
    """A search whose every text is `text`."""
    trials = []
    for i in range(6):
        folds = (
            FoldScore(i, 0, {text: 0.1 * i, "b" + text: 0.5}, started=1.0 + i, ended=2.0 + i, worker=text),
            FoldScore(i, 1, None, state="failed", error=f"Traceback\n{text}\nValueError: {text}")
            if i == 0
            else FoldScore(i, 1, {text: 0.2 * i, "b" + text: 0.1}),
        )
        params = {text: [text, "b" + text][i % 2], "n": i}
        trials.append(Trial(Candidate(i, params), folds))
    space = {text: [text, "b" + text], "n": list(range(6))}
    metrics = [text, "b" + text]
    return search_data(
        trials, label=text, search=text, metrics=metrics, metric=text, space=space, resource="", stop_reason=text,
        fingerprint={"data": text, "folds": text, "estimator": text, "versions": f"{text} 1, b 2", "scoring": text},
    )  # fmt: skip


@pytest.fixture(scope="module")
def hostile_page():
    return Page(report(hostile_data(HOSTILE), title=HOSTILE).html)


def test_hostile_texts_stay_texts(hostile_page):
    tame = Page(report(hostile_data("tame"), title="tame").html)
    assert sorted(set(hostile_page.tags)) == sorted(set(tame.tags))
    assert hostile_page.headings == tame.headings
    assert hostile_page.tags.count("script") == 1
    assert hostile_page.tags.count("svg") == tame.tags.count("svg") >= 7
    assert hostile_page.text.count("<script>document.body") > 10
    assert not [name for name in hostile_page.attributes if name.startswith("on")]
    hostile_page.html.encode("utf-8")


@pytest.mark.parametrize(
    "text", ["</script>", "$x^2$ and $", "{{ 7 * 7 }}", "a\nb", "</svg><b>", "&lt;", "_x", "%s", "🌳"]
)
def test_other_odd_texts_stay_texts(text):
    page = Page(report(hostile_data(text), title=text, plots=False).html)
    assert " ".join(text.split()) in page.text
    assert "<b>" not in page.html


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=20))
def test_any_text_stays_a_text(text):
    html = report(hostile_data(f"a{text}"), title=text, plots=False).html
    page = Page(html)
    html.encode("utf-8")
    assert set(page.tags) <= TAGS
    assert " ".join(clean(f"a{text}").split()) in page.text


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_no_hostile_text_runs_in_a_browser(hostile_page, folder):
    path = folder / "hostile.html"
    path.write_text(hostile_page.html, encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'browser'}",
        "--dump-dom",
    ]
    done = subprocess.run(["chromium", *options, path.as_uri()], capture_output=True, text=True, timeout=60)
    assert 'class="filter"' in done.stdout  # the script of the page itself ran
    assert "<x-inserted" not in done.stdout


# -- files and errors ------------------------------------------------------------------------------------------


def test_a_file_is_written_in_place_of_an_earlier_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = table_search(mean_test_score=np.array([0.5]))
    (tmp_path / "page.html").write_text("earlier")
    path = report(source, "page.html", plots=False, title="My search")
    assert path == str(tmp_path / "page.html")
    assert "<title>My search</title>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert os.listdir(tmp_path) == ["page.html"]


def test_a_missing_folder_is_an_error_that_names_it(tmp_path):
    source = table_search(mean_test_score=np.array([0.5]))
    with pytest.raises(FileNotFoundError, match=r"path=.*there is no folder .*missing"):
        report(source, tmp_path / "missing" / "page.html")
    with pytest.raises(IsADirectoryError, match="name of a file"):
        report(source, tmp_path)


@pytest.mark.parametrize("module, extra", [("jinja2", "report"), ("matplotlib", "plots")])
def test_a_missing_package_is_an_error_that_names_the_extra(module, extra, monkeypatch):
    import_module = builtins.__import__

    def failing(name, *args, **kwargs):
        if name.split(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_module(name, *args, **kwargs)

    monkeypatch.setattr("importlib.import_module", failing)
    with pytest.raises(ImportError, match=rf"pip install 'skhpt\[{extra}\]'"):
        report(table_search(mean_test_score=np.array([0.5])))


def test_a_bad_source_or_metric_is_an_error():
    with pytest.raises(TypeError, match="source must be a fitted search"):
        report(3)
    with pytest.raises(NotFittedError):
        report(GridSearch(SVC(), {"C": [1]}))
    with pytest.raises(ValueError, match="metric must be one of"):
        report(table_search(mean_test_score=np.array([0.5])), metric="auc")
    with pytest.raises(ValueError, match="at least one search"):
        report([])


# -- comparison ------------------------------------------------------------------------------------------------


def test_only_comparable_searches_are_ranked_together(search, folder):
    grid = GridSearch(PIPELINE, {"svc__C": [1e-3]}, cv=3).fit(X, y)
    other = GridSearch(PIPELINE, {"svc__C": [1, 10]}, cv=2).fit(X, y)
    table = table_search(mean_test_score=np.array([0.99]))
    sources = {"random": search, "grid": grid, "other folds": other, "table": table}
    page = Page(report(sources).html)
    assert page.headings == [
        "Searches",
        "Group 1: random, grid",
        "Group 2: other folds",
        "Group 3: table",
        *(f"Best candidate of {label}" for label in sources),
    ]
    assert page.tags.count("figure") == 3
    assert len(set(page.ids)) == len(page.ids)
    rows = re.findall(r"<tr><td>(.*?)</tr>", page.html, re.DOTALL)[:4]
    ranks = {re.split("<", row)[0]: re.findall(r">([^<]*)</td>", row)[-2] for row in rows}
    assert ranks == {"random": "1", "grid": "2", "other folds": "–", "table": "–"}
    assert "not known, so it is not ranked" in page.text


def test_a_list_of_sources_gets_labels_that_differ(folder, search):
    path = folder / "runs.jsonl"
    page = Page(report([path, path, search], plots=False).html)
    assert "Best candidate of runs" in page.headings
    assert "Best candidate of runs (2)" in page.headings
    assert "Comparison of 3 searches" in page.texts


def test_a_history_of_two_thousand_candidates_has_pictures_of_a_small_size():
    history = History()
    history.add(Candidate(i, {"C": i}) for i in range(2000))
    for i in range(2000):
        history.finish_next([FoldScore(i, 0, i % 97 / 100)])
    data = search_data(history.finished, space={"C": list(range(2000))})
    page = report(data).html
    assert "2000 candidates, the best first" in page
    assert len(page) < 1_500_000
