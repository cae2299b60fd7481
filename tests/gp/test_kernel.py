"""The embedding of the cube and the Matern covariance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.gp.kernel import Embedding, matern, matern_and_derivative


def test_unlike_levels_have_equal_distances():
    embedding = Embedding((4,))
    (S,) = embedding.column_distances(embedding((np.arange(4)[:, None] + 0.5) / 4))
    np.testing.assert_allclose(S, (1 - np.eye(4)) * S.max())


@pytest.mark.parametrize("n_levels", [0, 1, 2, 5])
def test_the_mean_distance_of_random_levels_is_that_of_random_numbers(n_levels):
    embedding, u = Embedding((n_levels,)), (np.arange(400)[:, None] + 0.5) / 400
    assert embedding.column_distances(embedding(u)).mean() == pytest.approx(
        1 / 6 if n_levels != 1 else 0, abs=1e-4
    )


@given(st.lists(st.sampled_from([0, 2, 5]), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_covariances_are_positive_semi_definite_with_missing_values_too(levels, seed):
    rng = np.random.default_rng(seed)
    u = rng.random((12, len(levels)))
    u[rng.random(u.shape) < 0.3] = np.nan
    embedding = Embedding(tuple(levels))
    Z, w = embedding(u), rng.uniform(0.1, 100, len(levels))
    q = embedding.distances(Z, Z, w)
    assert np.linalg.eigvalsh(matern(q)).min() > -1e-9
    np.testing.assert_allclose(q, np.tensordot(w, embedding.column_distances(Z), axes=1), atol=1e-9)


def test_the_derivative_of_the_covariance():
    q = np.linspace(0.01, 9, 50)
    numeric = (matern(q + 1e-6) - matern(q - 1e-6)) / 2e-6
    k, dk_dq = matern_and_derivative(q)
    np.testing.assert_array_equal(k, matern(q))
    np.testing.assert_allclose(dk_dq, numeric, rtol=1e-6)


def test_the_boundary_penalty_is_0_in_the_middle_and_1_at_either_end_of_ordered_columns():
    embedding = Embedding((0, 3))
    u = np.array([[0.5, 0.1], [0.5, 0.9], [np.nan, 0.5], [1.0, 0.5], [0.0, 0.5]])
    np.testing.assert_allclose(embedding.boundary_penalty(embedding(u)), [0, 0, 0, 1, 1])


def test_numbers_keep_their_order_beside_names():
    embedding = Embedding.of_columns([(2, 6)])  # two names, then four numbers
    u = (np.arange(6)[:, None] + 0.5) / 6
    (S,) = embedding.column_distances(embedding(u))
    np.testing.assert_allclose(np.sqrt(S[2, 2:]), [0, 1 / 4, 2 / 4, 3 / 4])
    assert 0 < S[0, 1] < S[0, 2:].min()
    assert (S[0, 2:] > S[2, 3]).all()  # a name is farther from each number than neighbouring numbers are
    np.testing.assert_allclose(S[0], S[1][[1, 0, 2, 3, 4, 5]])  # names are alike
    np.testing.assert_allclose(embedding.boundary_penalty(embedding(u))[:2], 0)


def test_covariances_of_names_and_numbers_are_positive_semi_definite():
    rng = np.random.default_rng(0)
    u = rng.random((30, 2))
    u[rng.random(u.shape) < 0.3] = np.nan
    embedding = Embedding.of_columns([(1, 9), (3, 3)])
    Z, w = embedding(u), np.array([5.0, 0.7])
    q = embedding.distances(Z, Z, w)
    assert np.linalg.eigvalsh(matern(q)).min() > -1e-9
    np.testing.assert_allclose(q, np.tensordot(w, embedding.column_distances(Z), axes=1), atol=1e-9)


def test_many_levels_need_few_coordinates():
    embedding = Embedding((10_000,))
    assert embedding(np.array([[0.1], [0.7], [np.nan]])).shape[1] < 1000
