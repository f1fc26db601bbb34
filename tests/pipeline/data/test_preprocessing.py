import numpy as np
import pytest

from pipeline.data.case import Case, SequenceName, SourceKind
from pipeline.data.preprocessing import (
    InPlaneGrid,
    add_neighbours,
    chosen_channels,
    normalise_volume,
    preprocess_case,
    scale_channel,
)

PRE, FLAIR, POST = SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST


def make_case(sequences, *, shape=(3, 32, 32), spacing=None, dtype=np.uint8):
    rng = np.random.default_rng(0)
    pixels = rng.integers(20, 200, (*shape, len(sequences))).astype(dtype)
    pixels[:, :4] = 0
    n = shape[0]
    return Case(
        case_id="case",
        kind=SourceKind.IMAGES,
        pixels=pixels,
        sequences=tuple(sequences),
        indices=tuple(range(1, n + 1)),
        sources=tuple(f"{k}.png" for k in range(n)),
        spacing_mm=spacing,
    )


@pytest.mark.parametrize(
    ("sequences", "chosen"),
    [
        ((PRE, FLAIR, POST), (0, 1, 2)),
        ((POST, PRE, FLAIR), (1, 2, 0)),
        ((FLAIR,), (0, 0, 0)),
        ((FLAIR, POST), (0, 0, 1)),
        ((PRE, FLAIR), (0, 1, 1)),
        ((SequenceName.UNKNOWN,), (0, 0, 0)),
        ((PRE, SequenceName.T2), (1, 1, 1)),
    ],
)
def test_channels_come_in_the_networks_order_and_flair_stands_in(sequences, chosen):
    assert chosen_channels(sequences) == chosen
    warnings = preprocess_case(make_case(sequences), size=32).warnings
    assert bool(warnings) == (FLAIR not in sequences and len(sequences) > 1)


def test_a_256_pixel_slice_without_spacing_is_taken_as_it_is():
    grid = InPlaneGrid.fit((256, 256), None)
    image = np.random.default_rng(1).random((256, 256), dtype=np.float32)
    assert grid.is_identity
    np.testing.assert_array_equal(grid.to_model(image), image)


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((512, 400), None),
        ((100, 100), None),
        ((218, 182), (1.0, 1.0)),
        ((240, 480), (1.0, 0.5)),
        ((32, 32), (7.5, 7.5)),
    ],
)
def test_a_block_comes_back_to_its_own_pixels(shape, spacing):
    grid = InPlaneGrid.fit(shape, spacing)
    image = np.zeros(shape, np.float32)
    rows = slice(shape[0] // 4, shape[0] // 2)
    columns = slice(shape[1] // 4, shape[1] // 2)
    image[rows, columns] = 1
    back = grid.to_input(grid.to_model(image)) >= 0.5
    assert np.count_nonzero(back != (image >= 0.5)) <= 0.03 * image.sum()


def test_spacing_gives_the_same_head_the_same_size_in_the_network():
    coarse, fine = np.zeros((128, 128), np.float32), np.zeros((512, 512), np.float32)
    coarse[32:96, 40:88] = 1
    fine[128:384, 160:352] = 1
    seen = [
        InPlaneGrid.fit(image.shape, (240 / image.shape[0],) * 2).to_model(image)
        for image in (coarse, fine)
    ]
    assert np.count_nonzero((seen[0] >= 0.5) != (seen[1] >= 0.5)) < 0.03 * seen[1].sum()


def test_anisotropic_pixels_become_square():
    disc = np.zeros((256, 128), np.float32)
    y, x = np.mgrid[0:256, 0:128]
    disc[((y - 127.5) * 0.9375) ** 2 + ((x - 63.5) * 1.875) ** 2 <= 60**2] = 1
    seen = InPlaneGrid.fit(disc.shape, (0.9375, 1.875)).to_model(disc) >= 0.5
    height, width = np.ptp(np.where(seen.any(1))), np.ptp(np.where(seen.any(0)))
    assert abs(int(height) - int(width)) <= 2


@pytest.mark.parametrize("factor", [1.0, 17.0, 0.01])
def test_standardising_forgets_the_scale_of_the_grey_values(factor):
    case = make_case((PRE, FLAIR, POST), dtype=np.float32)
    volume = case.pixels.astype(np.float32)
    np.testing.assert_allclose(
        normalise_volume(volume * factor), normalise_volume(volume), atol=1e-3
    )


def test_foreground_has_mean_0_and_deviation_1():
    volume = make_case((FLAIR,), shape=(4, 64, 64)).pixels.astype(np.float32)
    scaled, mean, deviation, _ = scale_channel(volume[..., 0])
    inside = (scaled[:, 4:] - mean) / deviation
    assert scaled.min() == 0
    assert scaled.max() == 1
    assert inside.mean() == pytest.approx(0, abs=1e-3)
    assert inside.std() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize("sequences", [(PRE, FLAIR, POST), (FLAIR,)])
def test_counted_grey_values_are_standardised_as_any_others(dtype, sequences):
    case = make_case(sequences, dtype=dtype)
    if dtype == np.int16:
        object.__setattr__(case, "pixels", case.pixels * np.int16(3) - np.int16(100))
    as_they_are = preprocess_case(case, size=32)
    object.__setattr__(case, "pixels", case.pixels.astype(np.float32))
    as_any = preprocess_case(case, size=32)
    np.testing.assert_allclose(as_they_are.volume, as_any.volume, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(as_they_are.foreground, as_any.foreground)


def test_a_prepared_slice_holds_its_channels_and_its_neighbours_flair():
    case = make_case((PRE, FLAIR, POST))
    prepared = preprocess_case(case, size=32).volume
    expected = normalise_volume(case.pixels.astype(np.float32))
    np.testing.assert_allclose(
        prepared, add_neighbours(expected, np.array(case.indices)), rtol=0, atol=1e-6
    )


def test_a_black_volume_stays_finite():
    case = make_case((FLAIR,))
    object.__setattr__(case, "pixels", np.zeros_like(case.pixels))
    assert np.all(preprocess_case(case, size=32).volume == 0)
    assert np.all(normalise_volume(np.zeros((2, 8, 8, 3), np.float32)) == 0)


def test_16_bit_and_8_bit_copies_look_the_same_to_the_network():
    eight = make_case((FLAIR,), shape=(2, 40, 40))
    sixteen = make_case((FLAIR,), shape=(2, 40, 40), dtype=np.uint16)
    object.__setattr__(sixteen, "pixels", eight.pixels.astype(np.uint16) * 257)
    np.testing.assert_allclose(
        preprocess_case(eight, size=32).volume, preprocess_case(sixteen, size=32).volume, atol=1e-3
    )


@pytest.mark.parametrize(
    ("positions", "below", "above"),
    [
        ((1, 2, 3), (0, 0, 1), (1, 2, 2)),
        ((1, 2, 4), (0, 0, 2), (1, 1, 2)),
        ((7,), (0,), (0,)),
    ],
)
def test_neighbours_are_adjacent_slices_or_the_slice_itself(positions, below, above):
    rng = np.random.default_rng(0)
    volume = rng.normal(size=(len(positions), 4, 4, 3)).astype(np.float32)
    shown = add_neighbours(volume, np.array(positions))
    np.testing.assert_array_equal(shown[..., :3], volume)
    np.testing.assert_array_equal(shown[..., 3], volume[list(below), ..., 1])
    np.testing.assert_array_equal(shown[..., 4], volume[list(above), ..., 1])
