import cv2
import numpy as np
import pytest

from pipeline.image_tasks.duplicates import SimilarPair, find_similar_pairs, join_groups


def picture(seed: int, side: int = 120) -> np.ndarray:
    """Blobs of one seed within a disc on black, in the manner of a head."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), side / 25)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    values = 120 + 900 * noise / np.abs(noise).max() * 0.1
    return np.where(x**2 + y**2 < 0.8, values, 0).astype(np.float32)


def turned(image: np.ndarray, degrees: float, scale: float) -> np.ndarray:
    side = image.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), degrees, scale)
    return cv2.warpAffine(image, matrix, (side, side))


@pytest.mark.parametrize(
    "copy",
    [
        lambda image: image,
        lambda image: cv2.resize(image, (77, 91)),
        lambda image: image[:, ::-1],
        lambda image: np.pad(image, ((0, 30), (25, 5))),
        lambda image: turned(image, 3, 1.05),
        lambda image: 40 + 0.5 * image,
    ],
    ids=["same", "size", "mirrored", "margin", "turned", "window"],
)
def test_a_copy_is_found_and_another_picture_is_not(copy) -> None:
    images = [picture(1), picture(2), np.ascontiguousarray(copy(picture(1)), np.float32)]
    (pair,) = find_similar_pairs(images, at_least=0.8)
    assert (pair.first, pair.second) == (0, 2)
    assert 0.8 <= pair.ncc <= 1.0001


def test_groups_join_over_pairs_and_names() -> None:
    pairs = [SimilarPair(0, 3, 0.99), SimilarPair(3, 4, 0.9)]
    names = [None, "patient 1", "patient 1", None, None, "patient 2"]
    assert join_groups(6, pairs, names).tolist() == [0, 1, 1, 0, 0, 2]
    assert join_groups(3, [SimilarPair(0, 1, 1), SimilarPair(1, 2, 1)], [None] * 3).max() == 0
    assert join_groups(2, [], ["a", "b"]).tolist() == [0, 1]
