"""Text vectorizers: the words of a document are the same for every selection and weighting of their counts.

Most of the time is spent on splitting documents into words. The training documents are split once, and so are
the documents to transform. The selection and the weighting of words is done for each candidate, by
scikit-learn's methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from skhpt._typing import ArrayLike, Params
from skhpt.reuse.submodels.registry import register_submodel

#: Parameters that select words.
_LIMITS = ("min_df", "max_df", "max_features", "binary")
#: Parameters that weight words.
_WEIGHTS = ("norm", "use_idf", "smooth_idf", "sublinear_tf")


@dataclass(eq=False)
class _Corpus:
    """Word counts of documents, for all words of the training documents.

    Attributes
    ----------
    counter : CountVectorizer
        Counts documents. Its vocabulary is sorted, which saves scikit-learn the time to sort it for each
        candidate.
    words : list of str
        The words in the order of their first appearance.
    documents : list
        The training documents.
    counts : sparse matrix of shape (n_documents, n_words)
        Counts of the training documents; in each row, the words are in the order of their appearance.
    recent : tuple of (documents, counts)
        Counts of other documents that were counted recently.
    last_selection : tuple of (limits, vocabulary, columns)
        The last result of `select_words`.
    """

    counter: CountVectorizer
    words: list[str]
    documents: list[Any]
    counts: Any
    recent: tuple[tuple[list[Any], Any], ...] = ()
    last_selection: tuple[Any, Any, Any] = (None, None, None)

    def count(self, documents: list[Any]) -> Any:
        """Return the counts of documents; the same documents are not counted again."""
        for counted, counts in ((self.documents, self.counts), *self.recent):
            # Fast if they are the same objects.
            if type(counted[0]) is type(documents[0]) and counted == documents:
                return counts
        # scikit-learn's loop over documents.
        _, counts = self.counter._count_vocab(documents, fixed_vocab=True)
        self.recent = (*self.recent[-1:], (documents, counts))
        return counts

    def select_words(self, vectorizer: CountVectorizer) -> tuple[dict[str, Any], np.ndarray]:
        """Return the vocabulary that a vectorizer's limits select, and the columns of these words in the counts."""
        limits = []
        for name in _LIMITS:
            value = getattr(vectorizer, name)
            limits.append((type(value), value))  # the limit 1 is a number of documents, 1.0 a share of them
        if self.last_selection[0] != limits:
            everything = self.counter.vocabulary_
            # `fit_transform` gets the counts that are there, in place of counting the documents
            vectorizer._count_vocab = lambda documents, fixed_vocab: (dict(everything), self.counts.copy())
            CountVectorizer.fit_transform(vectorizer, self.documents)
            selected = vectorizer.vocabulary_  # sorted
            columns = np.fromiter((everything[word] for word in selected), dtype=np.intp, count=len(selected))
            vocabulary = {word: selected[word] for word in self.words if word in selected}
            self.last_selection = (limits, vocabulary, columns)
        _, vocabulary, columns = self.last_selection
        return vocabulary, columns

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy as None: copies of a view work without the corpus."""
        return type(None), ()


@dataclass(eq=False)
class _SharedCounter:
    """Replacement for the method ``_count_vocab`` of a view.

    Attributes
    ----------
    view : CountVectorizer
        The view.
    corpus : _Corpus or None
        Counts of all words; None in a copy of the view, which counts by itself.
    columns : array of shape (n_features,)
        Columns of the view's words in the counts of the corpus.
    vocabulary : dict
        The view's vocabulary, to detect that the view was fitted again.
    splitting_params : dict
        The view's parameters for splitting documents, to detect that they were changed.
    """

    view: CountVectorizer
    corpus: _Corpus | None
    columns: np.ndarray
    vocabulary: dict[str, Any]
    splitting_params: Params

    def __call__(self, raw_documents: Any, fixed_vocab: bool) -> tuple[dict[str, Any], Any]:
        documents = raw_documents
        if fixed_vocab and self._is_unchanged():
            documents = list(raw_documents)
            if self.corpus and _are_texts(documents):
                counts = self.corpus.count(documents)[:, self.columns]
                counts.sort_indices()
                return self.vocabulary, counts
        vocabulary, counts = type(self.view)._count_vocab(self.view, documents, fixed_vocab)
        return vocabulary, counts

    def _is_unchanged(self) -> bool:
        has_same_words = self.view.vocabulary_ is self.vocabulary
        return has_same_words and _splitting_params(self.view) == self.splitting_params

    def training_counts(self) -> Any:
        """Return the counts of the training documents, with the words of each document in the order of a fit."""
        assert self.corpus is not None
        counts = self.corpus.counts[:, self.columns]
        if self.view.binary:
            counts.data.fill(1)
        return counts


def _splitting_params(vectorizer: CountVectorizer) -> Params:
    params = vectorizer.get_params(deep=False)
    return {name: value for name, value in params.items() if name not in _LIMITS + _WEIGHTS}


def _are_texts(documents: Sequence[Any]) -> bool:
    """Tell whether documents are of a single type, whose objects never change."""
    types = {type(document) for document in documents}
    return len(types) == 1 and types <= {str, bytes, np.str_}


def _learns_vocabulary(vectorizer: CountVectorizer) -> bool:
    # the methods of scikit-learn that count, and that sort the columns, are private
    has_methods = hasattr(vectorizer, "_count_vocab") and hasattr(vectorizer, "_sort_features")
    return has_methods and vectorizer.vocabulary is None and vectorizer.input == "content"  # files may change


def _learns_weights(vectorizer: TfidfVectorizer) -> bool:
    return _learns_vocabulary(vectorizer) and hasattr(vectorizer, "_check_params")  # see `_weight_words`


def _default_values(vectorizers: Sequence[CountVectorizer], parameters: Sequence[str]) -> Params:
    """Return the default values, which select all words."""
    defaults = type(vectorizers[0])().get_params(deep=False)
    return {name: defaults[name] for name in parameters}


def _count_words(vectorizer: CountVectorizer, X: ArrayLike, y: ArrayLike) -> _Corpus | None:
    documents = [] if isinstance(X, str) else list(X)
    if not _are_texts(documents):
        return None
    vocabulary, counts = vectorizer._count_vocab(documents, fixed_vocab=False)
    words = list(vocabulary)
    # Sorts the columns, and numbers the vocabulary anew.
    counts = vectorizer._sort_features(counts, vocabulary)
    vectorizer.vocabulary_ = dict(sorted(vocabulary.items()))
    return _Corpus(counter=vectorizer, words=words, documents=documents, counts=counts)


def _select_words(corpus: _Corpus | None, estimator: CountVectorizer) -> CountVectorizer | None:
    if corpus is None:
        return None
    try:
        vocabulary, columns = corpus.select_words(estimator)
    except Exception:  # a separate fit raises the error
        return None
    estimator.fixed_vocabulary_ = False
    estimator.vocabulary_ = vocabulary
    estimator._count_vocab = _SharedCounter(
        view=estimator,
        corpus=corpus,
        columns=columns,
        vocabulary=vocabulary,
        splitting_params=_splitting_params(estimator),
    )
    return estimator


def _weight_words(corpus: _Corpus | None, estimator: TfidfVectorizer) -> TfidfVectorizer | None:
    view = _select_words(corpus, estimator)
    if view is not None:
        # the first steps of `fit`: `_check_params` warns of parameters, `_tfidf` weights the counts
        view._check_params()
        view._tfidf = TfidfTransformer(**{name: getattr(view, name) for name in _WEIGHTS})
        view._tfidf.fit(view._count_vocab.training_counts())
    return view


def _training_counts(view: CountVectorizer, output: ArrayLike, X: ArrayLike) -> ArrayLike:
    return view._count_vocab.training_counts()  # the `_SharedCounter` of the view


def _training_weights(view: TfidfVectorizer, output: ArrayLike, X: ArrayLike) -> ArrayLike:
    return view._tfidf.transform(view._count_vocab.training_counts(), copy=False)


register_submodel(
    CountVectorizer,
    _LIMITS,
    _select_words,
    is_exact=_learns_vocabulary,
    widest=_default_values,
    fit=_count_words,
    output=_training_counts,
)
register_submodel(
    TfidfVectorizer,
    _LIMITS + _WEIGHTS,
    _weight_words,
    is_exact=_learns_weights,
    widest=_default_values,
    fit=_count_words,
    output=_training_weights,
)
