"""`read_journals`: every journal of a folder, its state, and which searches may be compared."""

import os

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC

from skhpt import GridSearch, RandomSearch, read_journal, read_journals
from skhpt.inspection import Journals, comparable_group, read_source

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
SEARCHES = {
    "knn": (GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5]}), IRIS),
    "svc": (RandomSearch(SVC(), {"C": [1, 10]}, n_iter=1, random_state=0, return_train_score=True), IRIS),
    "folds": (GridSearch(SVC(), {"C": [1, 10]}, cv=KFold(3)), IRIS),
    "ridge": (
        GridSearch(Ridge(), {"alpha": [1, 10]}, scoring=["r2", "neg_mean_squared_error"], refit="r2"),
        DIABETES,
    ),
}


@pytest.fixture(scope="module")
def searches(tmp_path_factory):
    """Fit all searches with journals in one folder; return the searches and the folder."""
    folder = tmp_path_factory.mktemp("runs")
    for name, (search, data) in SEARCHES.items():
        search.set_params(journal=folder / f"{name}.jsonl").fit(*data)
    (folder / "notes.txt").write_text("a,b\n")
    (folder / "subfolder").mkdir()
    (folder / "killed.jsonl").write_bytes(before_the_end(folder / "knn.jsonl"))
    return {name: search for name, (search, _) in SEARCHES.items()}, folder


def before_the_end(path):
    data = path.read_bytes()
    return data[: data.index(b'{"event": "ended"')]


def test_every_journal_of_a_folder_is_read_in_the_order_of_their_begin(searches):
    _, folder = searches
    journals = read_journals(folder)
    names = [os.path.basename(view.path) for view in journals]
    assert names == ["killed.jsonl", *(f"{name}.jsonl" for name in SEARCHES)]
    assert journals.unreadable == {}


def test_an_empty_journal_is_listed_as_unreadable(tmp_path):
    (tmp_path / "begun.jsonl").touch()
    (tmp_path / "empty.txt").touch()
    with pytest.warns(UserWarning, match="begun.jsonl: nothing was written to this journal yet"):
        journals = read_journals(tmp_path)
    assert list(journals.unreadable) == [str(tmp_path / "begun.jsonl")]
    assert "begun  " in repr(journals)
    assert "unreadable" in repr(journals)


def test_the_table_has_a_row_for_each_search(searches):
    fitted, folder = searches
    frame = read_journals(str(folder)).to_frame().set_index("name")
    assert list(frame.loc["killed", ["state", "stop_reason"]]) == ["dead", ""]
    for name, search in fitted.items():
        row = frame.loc[name]
        assert (row["search"], row["state"], row["stop_reason"]) == (
            type(search).__name__,
            "ended",
            "completed",
        )
        assert row["n_finished"] == row["n_planned"] == len(search.cv_results_["params"])
        assert (row["best_score"], row["best_params"]) == (search.best_score_, search.best_params_)
        assert row["started"] <= row["last_sign"]
    assert list(frame.loc["ridge", ["metric", "data"]]) == ["r2", "442 rows, 10 columns"]


def test_searches_on_the_same_data_folds_and_metrics_are_in_one_group(searches):
    fitted, folder = searches
    groups = read_journals(folder).to_frame().set_index("name")["group"]
    assert groups["knn"] == groups["svc"] == groups["killed"]
    assert len(set(groups)) == 3
    for name, search in fitted.items():
        assert comparable_group(search) == comparable_group(read_source(search)) == groups[name]
    assert comparable_group(GridSearch(SVC(), {"C": [2]}).fit(*IRIS)) == groups["knn"]


def test_results_of_unknown_origin_are_in_no_group(searches):
    assert comparable_group(searches[0]["knn"].cv_results_) == ""


def test_the_own_score_of_a_classifier_is_not_that_of_a_regressor():
    searches = [
        GridSearch(model, {"n_neighbors": [5]}, cv=KFold(3, shuffle=True, random_state=0)).fit(*IRIS)
        for model in (KNeighborsClassifier(), KNeighborsRegressor())
    ]
    assert comparable_group(searches[0]) != comparable_group(searches[1])


def test_a_search_on_data_with_objects_has_the_group_of_its_journal(tmp_path):
    X = np.array([[name, [1.5]] for name in "abcdefghij"], dtype=object)
    search = GridSearch(ByRow(), {"shift": [0, 1]}, cv=2, journal=tmp_path / "search.jsonl", refit=False)
    search.fit(X, np.arange(10))
    assert comparable_group(search) == comparable_group(tmp_path / "search.jsonl") != ""


class ByRow(Ridge):
    """Regressor that takes rows of any kind."""

    def __init__(self, shift=0):
        super().__init__()
        self.shift = shift

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.full(len(X), self.shift)


def test_printing_shows_a_table(searches):
    lines = repr(read_journals(searches[1])).splitlines()
    assert lines[0].split() == [
        "name",
        "search",
        "state",
        "done",
        "best",
        "metric",
        "started",
        "data",
        "group",
    ]
    assert lines[2].startswith("killed  GridSearch    dead   2 of 2  0.97333")
    assert len(lines) == 2 + 5


def test_a_narrow_table_shortens_names_and_leaves_out_columns(searches, tmp_path):
    for name in ("a_long_name_of_a_journal_of_2026_11", "a_long_name_of_a_journal_of_2026_12"):
        (tmp_path / f"{name}.jsonl").write_bytes((searches[1] / "knn.jsonl").read_bytes())
    journals = read_journals(tmp_path)
    assert journals.to_text() == repr(journals) == journals.to_text(200)
    for width in (80, 100, 120):
        lines = journals.to_text(width).splitlines()
        assert max(map(len, lines)) <= width
        assert {line.split()[0][-5:] for line in lines[2:]} == {"26_11", "26_12"}
    assert "data" not in journals.to_text(80)


def test_a_damaged_journal_is_listed_with_a_warning(searches, tmp_path):
    data = (searches[1] / "knn.jsonl").read_bytes()
    (tmp_path / "bad.jsonl").write_bytes(data.replace(b"150", b"151", 1))
    (tmp_path / "damaged.jsonl").write_bytes(data.replace(b'"test": 0.9', b'"test": 0.8', 1))
    with (
        pytest.warns(UserWarning, match="a journal cannot be read: .*bad.jsonl, line 1"),
        pytest.warns(UserWarning, match=r"damaged.jsonl is damaged: line 4"),
    ):
        journals = read_journals(tmp_path)
    assert [view.path for view in journals] == [str(tmp_path / "damaged.jsonl")]
    row = journals.to_frame().set_index("name").loc["bad"]
    assert row["state"] == "unreadable"
    assert "line 1" in row["stop_reason"]
    assert "unreadable" in repr(journals).splitlines()[-1]


def test_a_folder_without_journals(tmp_path):
    journals = read_journals(tmp_path)
    assert repr(journals) == "no journals"
    assert list(journals) == []
    assert journals.to_frame().empty
    with pytest.raises(FileNotFoundError):
        read_journals(tmp_path / "missing")


def test_a_journal_of_an_older_version_is_listed(tmp_path):
    older = os.path.join(os.path.dirname(__file__), "..", "journal", "data")
    frame = read_journals(older).to_frame().set_index("name")
    row = frame.loc["format1-random"]
    assert (row["search"], row["state"], row["n_finished"]) == ("RandomSearch", "ended", 8)
    assert row["data"] == "X ndarray (150, 4), y ndarray (150,)"
    view = read_journal(row["path"])
    assert (view.n_planned, view.pid, view.host, list(view.space)) == (None, None, "", [])


def test_a_notebook_shows_the_table(searches):
    journals = read_journals(searches[1])
    page = journals._repr_html_()
    assert f"{len(journals.rows())} journals" in page
    assert all(row["name"] in page for row in journals.rows())
    assert "0 journals" in Journals()._repr_html_()
    assert "1 journal<" in Journals(journals[:1])._repr_html_()
