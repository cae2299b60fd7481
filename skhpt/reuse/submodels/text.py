"""Vectorizers of text: the words of a document are the same whatever is then made of their counts.

Most of the time goes into taking documents apart. That is done once for the training documents, and once for any
others. Which words are kept and how they are weighted is decided for each candidate, by scikit-learn's own methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, register

_LIMITS = ("min_df", "max_df", "max_features", "binary")
_WEIGHTS = ("norm", "use_idf", "smooth_idf", "sublinear_tf")


@dataclass(eq=False)
class _Corpus:
    """Documents that were counted, in terms of all words of the training documents.

    Attributes
    ----------
    counter : CountVectorizer
        Counts documents; its vocabulary is sorted, which spares scikit-learn the time to do so for each candidate.
    appearance : list of str
        The words in the order in which they first appeared.
    documents : list
        The training documents.
    counts : sparse matrix
        Theirs; the words of each are in the order of appearance.
    counted : tuple of (documents, counts)
        These and others that were counted lately.
    last : tuple of (limits, vocabulary, words)
        What was left of the vocabulary the last time.
    """

    counter: Any
    appearance: list[str]
    documents: list[Any]
    counts: Any
    counted: tuple[tuple[list[Any], Any], ...] = ()
    last: tuple[Any, Any, Any] = (None, None, None)

    def count(self, documents: list[Any]) -> Any:
        """Count documents, unless the same ones were counted lately."""
        for known, counts in ((self.documents, self.counts), *self.counted):
            if type(known[0]) is type(documents[0]) and known == documents:  # quick if they are the same objects
                return counts
        _, counts = self.counter._count_vocab(documents, fixed_vocab=True)
        self.counted = (*self.counted[-1:], (documents, counts))
        return counts

    def limit(self, estimator: Any) -> tuple[dict[str, Any], np.ndarray]:
        """Return the vocabulary that an estimator's limits leave, and where its words are in the whole one."""
        limits = [(type(value), value) for value in (getattr(estimator, name) for name in _LIMITS)]  # 1 is not 1.0
        if self.last[0] != limits:
            everything = self.counter.vocabulary_
            estimator._count_vocab = lambda documents, fixed: (dict(everything), self.counts.copy())
            CountVectorizer.fit_transform(estimator, self.documents)
            left = estimator.vocabulary_  # sorted
            words = np.fromiter(map(everything.__getitem__, left), dtype=np.intp, count=len(left))
            self.last = (limits, {word: left[word] for word in self.appearance if word in left}, words)
        return self.last[1:]

    def __reduce__(self) -> tuple[Any, ...]:
        """Stay where the search is: copies of a view do without it."""
        return type(None), ()


@dataclass(eq=False)
class _Counts:
    """What a view counts with, in the place of its own method.

    Attributes
    ----------
    view : CountVectorizer
        The view.
    corpus : _Corpus or None
        Where documents are counted.
    words : array of shape (n_features,)
        Where the words of the view are in the vocabulary of the corpus.
    vocabulary : dict
        The view's, as long as it is not fitted anew.
    analysis : dict
        Its parameters that tell how to take documents apart, as long as these are not changed.
    """

    view: Any
    corpus: _Corpus | None
    words: np.ndarray
    vocabulary: dict[str, Any]
    analysis: Params

    def __call__(self, raw_documents: Any, fixed_vocab: bool) -> tuple[dict[str, Any], Any]:
        documents = raw_documents
        if fixed_vocab and self.view.vocabulary_ is self.vocabulary and _analysis(self.view) == self.analysis:
            documents = list(raw_documents)
            if self.corpus and _are_texts(documents):
                counts = self.corpus.count(documents)[:, self.words]
                counts.sort_indices()
                return self.vocabulary, counts
        return type(self.view)._count_vocab(self.view, documents, fixed_vocab)

    def training_counts(self) -> Any:
        """Return what scikit-learn's fit counts; it leaves the words of a document in the order of the corpus."""
        assert self.corpus is not None
        counts = self.corpus.counts[:, self.words]
        if self.view.binary:
            counts.data.fill(1)
        return counts


def _analysis(vectorizer: Any) -> Params:
    params = vectorizer.get_params(deep=False)
    return {name: value for name, value in params.items() if name not in _LIMITS + _WEIGHTS}


def _are_texts(documents: Sequence[Any]) -> bool:
    """Tell whether documents are of one kind that never changes."""
    kinds = set(map(type, documents))
    return len(kinds) == 1 and kinds <= {str, bytes, np.str_}


def _finds_its_words(vectorizer: Any) -> bool:
    is_known = hasattr(vectorizer, "_count_vocab") and hasattr(vectorizer, "_sort_features")
    return is_known and vectorizer.vocabulary is None and vectorizer.input == "content"  # files may change


def _weights_its_words(vectorizer: Any) -> bool:
    return _finds_its_words(vectorizer) and hasattr(vectorizer, "_check_params")


def _without_limits(vectorizers: Sequence[Any], parameters: Sequence[str]) -> Params:
    defaults = type(vectorizers[0])().get_params(deep=False)
    return {name: defaults[name] for name in parameters}


def _count(vectorizer: Any, X: Any, y: Any) -> _Corpus | None:
    documents = [] if isinstance(X, str) else list(X)
    if not _are_texts(documents):
        return None
    vocabulary, counts = vectorizer._count_vocab(documents, fixed_vocab=False)
    appearance = list(vocabulary)
    counts = vectorizer._sort_features(counts, vocabulary)
    vectorizer.vocabulary_ = dict(sorted(vocabulary.items()))
    return _Corpus(vectorizer, appearance, documents, counts)


def _limited(corpus: _Corpus | None, estimator: Any) -> Any:
    if corpus is None:
        return None
    try:
        vocabulary, words = corpus.limit(estimator)
    except Exception:  # on its own, it will say what is wrong
        return None
    estimator.fixed_vocabulary_ = False
    estimator.vocabulary_ = vocabulary
    estimator._count_vocab = _Counts(estimator, corpus, words, vocabulary, _analysis(estimator))
    return estimator


def _weighted(corpus: _Corpus | None, estimator: Any) -> Any:
    view = _limited(corpus, estimator)
    if view is not None:
        view._check_params()
        view._tfidf = TfidfTransformer(**{name: getattr(view, name) for name in _WEIGHTS})
        view._tfidf.fit(view._count_vocab.training_counts())
    return view


def _training_counts(view: Any, output: Any, X: Any) -> Any:
    return view._count_vocab.training_counts()


def _training_weights(view: Any, output: Any, X: Any) -> Any:
    return view._tfidf.transform(view._count_vocab.training_counts(), copy=False)


register(
    SubModel(
        CountVectorizer,
        _LIMITS,
        _limited,
        is_exact=_finds_its_words,
        widest=_without_limits,
        fit=_count,
        output=_training_counts,
    )
)
register(
    SubModel(
        TfidfVectorizer,
        _LIMITS + _WEIGHTS,
        _weighted,
        is_exact=_weights_its_words,
        widest=_without_limits,
        fit=_count,
        output=_training_weights,
    )
)
