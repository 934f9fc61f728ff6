"""Landmarks, clusters and novelty, by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from genetic_udfs.embedding.landmarks import clusters, landmarks, novelty, packed, unpacked
from genetic_udfs.errors import EngineError


def turned(*degrees: float) -> NDArray[np.float32]:
    """Return vectors of length one in a plane."""
    angles = np.radians(degrees)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32)


def test_landmarks_are_far_from_each_other() -> None:
    assert landmarks(turned(0, 10, 90, 170, 100), 3).tolist() == turned(0, 170, 90).tolist()
    assert len(landmarks(turned(0, 90), 5)) == 2
    assert len(landmarks(turned(), 5)) == 0


def test_a_cluster_is_what_is_nearest_to_a_landmark() -> None:
    assert clusters(turned(5, 80, 200), turned(0, 90, 180)).tolist() == [0, 1, 2]


def test_novelty_is_the_mean_distance_to_the_five_nearest_and_nobody_is_its_own_neighbour() -> None:
    others = ["a", "b", "c", "d", "e", "f", "g"]
    among = turned(0, 0, 0, 0, 0, 90, 180)
    found = novelty(["a", "new", "f"], turned(0, 180, 90), others, among)
    # `a` has four equals and one at 90 degrees; the new one equals one, is 1 from one and 2 from three.
    assert found == pytest.approx([1 / 5, (0 + 1 + 2 + 2 + 2) / 5, 1.0], abs=1e-6)
    assert novelty(["a"], turned(0), ["a", "b"], turned(0, 60)) == pytest.approx([0.5], abs=1e-6)


def test_vectors_are_stored_in_half_their_room_and_keep_their_cosines() -> None:
    drawn = np.random.default_rng(3).normal(size=(50, 384)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    stored = packed(drawn)
    assert {len(each) for each in stored} == {768}
    back = unpacked(stored)
    assert back @ back.T == pytest.approx(drawn @ drawn.T, abs=1e-3)
    assert unpacked([]).shape == (0, 0)


def test_vectors_of_two_models_are_refused() -> None:
    with pytest.raises(EngineError, match=r"several models: they have \[2, 4\] numbers"):
        unpacked([*packed(turned(0, 90)), b"\0" * 8])
