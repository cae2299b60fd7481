"""Text vectorizers that share their word counts."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from skhpt.reuse.submodels import submodels_of
from tests.reuse.submodels.cases import WEIGHTS, assert_same, make_texts


def assert_same_entries(actual: Any, expected: Any) -> None:
    """Check that sparse matrices are equal, including the order of their entries."""
    assert type(actual) is type(expected)
    for name in ("data", "indices", "indptr"):
        assert_same(getattr(actual, name), getattr(expected, name))


def test_views_keep_the_order_of_entries_and_of_words() -> None:
    documents, _, other_documents = make_texts()
    base = TfidfVectorizer()
    [submodel] = submodels_of(base)
    corpus = submodel.fit(clone(base), documents, None)
    for params in (*WEIGHTS, {"max_features": 3}):
        separate = clone(base).set_params(**params)
        view = submodel.view(corpus, clone(separate))
        if view is None:
            continue
        assert_same_entries(submodel.output(view, None, documents), separate.fit_transform(documents))
        for copied in (view, deepcopy(view), pickle.loads(pickle.dumps(view))):
            for rows in (other_documents, documents):
                assert_same_entries(copied.transform(rows), separate.transform(rows))
        assert list(view.vocabulary_.items()) == list(separate.vocabulary_.items())


def test_a_view_can_be_fitted_again() -> None:
    documents, _, other_documents = make_texts()
    base = TfidfVectorizer(max_features=3)
    [submodel] = submodels_of(base)
    corpus = submodel.fit(TfidfVectorizer(), documents, None)
    view, separate = submodel.view(corpus, clone(base)), clone(base)
    refitted = separate.fit(other_documents).transform(documents)
    assert_same(clone(view).fit(other_documents).transform(documents), refitted)
    assert_same(view.fit(other_documents).transform(documents), refitted)


def test_limits_that_leave_no_word_have_no_view() -> None:
    documents, _, _ = make_texts()
    [submodel] = submodels_of(CountVectorizer())
    corpus = submodel.fit(CountVectorizer(), documents, None)
    assert submodel.view(corpus, CountVectorizer(min_df=1000)) is None
    assert submodel.view(corpus, CountVectorizer(min_df=5, max_df=4)) is None


def test_documents_that_are_not_texts_have_no_view() -> None:
    documents, _, _ = make_texts()
    [submodel] = submodels_of(CountVectorizer())
    assert (
        submodel.view(submodel.fit(CountVectorizer(), [*documents, np.nan], None), CountVectorizer()) is None
    )


def test_vectorizers_with_a_vocabulary_or_with_files_share_nothing() -> None:
    assert not submodels_of(CountVectorizer(vocabulary=["a"]))
    assert not submodels_of(CountVectorizer(input="filename"))
