"""Pieces of HTML: everything is escaped; what notebooks show of the library's objects."""

import math
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
import sklearn
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch, HyperbandSearchCV, Space
from skhpt._html import Html, box, clean, details, escape, facts, looks_numeric, number, seconds, shown, table
from skhpt.history import History
from skhpt.reuse.report import ReusePlan, ReuseReport
from skhpt.trial import Candidate, FoldScore, Trial

HOSTILE = "<script>alert(1)</script>'\"&amp; ]]> \x00\ud800\x1b"


class Texts(HTMLParser):
    """Collects the tags and texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)

    def handle_data(self, data):
        self.texts.append(data)


@given(st.text(st.characters(exclude_categories=())))
@example(HOSTILE)
@example("</style><b>")
def test_a_text_in_a_piece_stays_a_text(text):
    page = box(text, table([text], [[text]], text), facts([(text, text)]), details(text, text))
    tags = {
        "div",
        "style",
        "strong",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
    }
    parser = Texts(page)
    assert parser.tags <= tags
    assert not text.strip() or clean(text) in parser.texts
    page.encode("utf-8")
    ElementTree.fromstring(page)  # is XML too


def test_html_is_not_escaped_twice():
    assert escape(Html("<b>")) == "<b>"
    assert escape("<b>") == "&lt;b&gt;"
    assert "<td><b>" in table(["x"], [[Html("<b>")]])


@pytest.mark.parametrize(
    "value, text",
    [
        (0.123456, "0.1235"),
        (0, "0"),
        (1e-5, "1e-05"),
        (123456.0, "1.235e+05"),
        (-2.5, "-2.5000"),
        (math.nan, "–"),
    ],
)
def test_numbers_have_four_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    "value, text", [(0.0123, "12.3 ms"), (65, "65.0 s"), (600, "10.0 min"), (9000, "2.5 h"), (math.nan, "–")]
)
def test_durations_have_a_unit(value, text):
    assert seconds(value) == text


@pytest.mark.parametrize("text", ["", "1", "-0.25", "1e-05", "12.3 ms", "0.9 ± 0.1", "–", "nan", "1,000"])
def test_numbers_are_recognised(text):
    assert looks_numeric(text)


@pytest.mark.parametrize("text", ["linear", "1 of 2", "v1.2", "None", "2026-01-01"])
def test_texts_are_not_taken_for_numbers(text):
    assert not looks_numeric(text)


def test_a_value_whose_repr_fails_is_shown_by_its_class():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert shown(Broken()) == "<Broken>"
    assert shown("a\nb" + "c" * 100, 10) == "a bcccccc…"


# -- what notebooks show ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def search():
    return GridSearch(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 3]}).fit(
        *load_iris(return_X_y=True)
    )


def test_a_fitted_search_shows_its_best_score_and_parameters(search):
    shown = search._repr_mimebundle_()
    for text in (shown["text/plain"], shown["text/html"], search._repr_html_()):
        assert "best score: 0.9600 ± 0.0249" in text
        assert "best parameters: max_depth=3" in text
    assert "sk-top-container" in shown["text/html"]
    assert repr(search).startswith("GridSearch(estimator=DecisionTreeClassifier(")
    assert "best" not in repr(search)


def test_a_search_that_is_not_fitted_shows_what_scikit_learn_shows():
    search = GridSearch(DecisionTreeClassifier(), {"max_depth": [1, 3]})
    assert search._repr_mimebundle_()["text/plain"] == repr(search)
    assert "best score" not in search._repr_html_()


def test_without_diagrams_a_search_is_shown_as_text(search):
    with sklearn.config_context(display="text"):
        assert not hasattr(search, "_repr_html_")
        assert list(search._repr_mimebundle_()) == ["text/plain"]


def test_a_plan_is_shown_as_a_table():
    search = HyperbandSearchCV(
        SVC(), {"C": loguniform(0.1, 10)}, resource="n_samples", n_candidates=9, random_state=0
    )
    plan = search.plan(*load_iris(return_X_y=True))
    assert repr(plan) == str(plan)
    assert "<th" in plan._repr_html_()
    assert "total: " in plan._repr_html_()


def test_shared_fits_are_shown_as_a_table(search):
    plan = search.plan(*load_iris(return_X_y=True))
    assert repr(plan) == str(plan)
    assert "2 candidates on 5 folds" in plan._repr_html_()
    report = search.reuse_report_
    assert repr(report) == str(report)
    assert "<table>" in report._repr_html_()
    assert repr(ReuseReport()) == "no fits to share"
    assert "no fits to share" in ReuseReport()._repr_html_()
    assert "0 candidates" in ReusePlan()._repr_html_()


def test_a_trial_shows_scores_and_parameters(search):
    trial = search.history_[1]
    assert repr(trial) == "<Trial 1: score 0.9600 on 5 folds; max_depth=3>"
    assert '<th scope="row">max_depth</th><td>3</td>' in trial._repr_html_()
    assert repr(Trial(Candidate(4, {}))) == "<Trial 4: pending; >"


def test_a_failed_trial_shows_each_traceback_once():
    folds = [FoldScore(0, i, None, state="failed", error="Traceback\nValueError: <b>") for i in range(2)]
    folds.append(FoldScore(0, 2, {"a": 0.5, "b": np.nan}))
    trial = Trial(Candidate(0, {"C": 1}), tuple(folds))
    assert repr(trial) == "<Trial 0: a –, b – on 3 folds (failed); C=1>"
    assert trial._repr_html_().count("ValueError: &lt;b&gt;") == 1
    assert "traceback of fold 0, 1" in trial._repr_html_()


def test_a_history_shows_its_first_trials():
    history = History()
    history.add(Candidate(i, {"C": i}) for i in range(25))
    history.finish_next([FoldScore(0, 0, 0.5)])
    page = history._repr_html_()
    assert ">score 0.5000 on 1 fold<" in page
    assert "C=19" in page
    assert "C=20" not in page
    assert "and 5 more" in page
    assert "History of 0 finished" in History()._repr_html_()


def test_a_space_shows_its_definitions():
    space = Space([{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": loguniform(1e-4, 1)}])
    assert (
        repr(space) == "Space([{'kernel': ['linear']}, {'gamma': loguniform(0.0001, 1), 'kernel': ['rbf']}])"
    )
    assert repr(Space({"C": [1, 2]})) == "Space({'C': [1, 2]})"
    assert "branch 2 of 2" in space._repr_html_()
    assert "loguniform(0.0001, 1)" in space._repr_html_()
    assert "constraint: " in Space({"C": [1, 2]}, lambda params: True)._repr_html_()
