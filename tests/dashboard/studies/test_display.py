from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from fake_server import make_case
from PIL import Image
from shared_cases import read_cases

from dashboard.store.stored_json import Display
from dashboard.studies.display import (
    describe_display,
    encode_slice,
    find_window,
    grey_levels,
    make_thumbnail,
    sequence_label,
)
from pipeline.data.case import SequenceName


def decode(data: bytes, display: Display, shape: tuple[int, int]) -> Any:
    stored = np.frombuffer(data, "<u2" if display.pixel_type == "uint16" else "u1")
    return stored.reshape(shape) * display.slope + display.intercept


def case_of(volume: Any) -> Any:
    pixels = np.asarray(volume)[..., None]
    n = len(pixels)
    return make_case(
        pixels=pixels,
        sequences=(SequenceName.FLAIR,),
        indices=tuple(range(1, n + 1)),
        sources=("x",) * n,
        masks=None,
    )


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("uint8", [0, 7, 255], ("uint8", 1.0, 0.0)),
        ("uint16", [0, 300, 65535], ("uint16", 1.0, 0.0)),
        ("int16", [-32768, -1, 32767], ("uint16", 1.0, -32768.0)),
        ("float32", [-1024.0, 0.0, 3071.0], ("uint16", 1.0, -1024.0)),
        ("float32", [5.0, 5.0, 5.0], ("uint16", 1.0, 5.0)),
    ],
)
def test_whole_numbers_travel_exactly(
    dtype: str, values: list[float], expected: tuple[str, float, float]
) -> None:
    case = case_of(np.array(values, dtype).reshape(1, 1, 3))
    display = describe_display(case)
    assert (display.pixel_type, display.slope, display.intercept) == expected
    data = encode_slice(case.pixels[0, :, :, 0], display)
    np.testing.assert_array_equal(decode(data, display, (1, 3)), [values])


def test_fractions_travel_to_half_a_65535th_of_the_range() -> None:
    volume = np.random.default_rng(0).normal(0, 100, (3, 8, 9)).astype(np.float32)
    display = describe_display(case_of(volume))
    step = (volume.max() - volume.min()) / 65535
    for image in volume:
        shown = decode(encode_slice(image, display), display, (8, 9))
        assert np.abs(shown - image).max() <= step * 0.501


def test_what_is_no_number_becomes_an_edge() -> None:
    image = np.array([[np.nan, 1.5, np.inf, -np.inf, 2.5]], np.float32)
    display = describe_display(case_of(image[None]))
    np.testing.assert_allclose(
        decode(encode_slice(image, display), display, (1, 5)), [[1.5, 1.5, 2.5, 1.5, 2.5]]
    )
    assert all(np.isfinite(display.windows).ravel())


def test_windows() -> None:
    assert describe_display(make_case(window=(10.0, 90.0))).windows == ((10.0, 90.0),) * 2
    assert describe_display(case_of(np.full((2, 4, 4), 7, np.uint8))).windows == ((7.0, 8.0),)
    volume = np.zeros((2, 10, 10), np.uint8)
    volume[:, 5:] = 100
    ((low, high),) = describe_display(case_of(volume)).windows
    assert 0 <= low < 50 < 100 < high < 120


def test_value_range_is_that_of_the_data_not_of_its_type() -> None:
    volume = np.array([0, 300, 1100], np.uint16).reshape(1, 1, 3)
    assert describe_display(case_of(volume)).value_range == ((0.0, 1100.0),)


TABLE = read_cases("windows")


def draw(case: dict[str, Any]) -> Any:
    """The pixel values of a case's slice."""
    width, height = case["size"]
    stored = np.full((height, width), case["background"], np.float32)
    for left, top, w, h, value in case["boxes"]:
        stored[top : top + h, left : left + w] = value
    return stored * case["slope"] + case["intercept"]


@pytest.mark.parametrize("case", TABLE["windows"], ids=lambda case: case["name"])
def test_windows_of_the_shared_table(case: dict[str, Any]) -> None:
    expected = pytest.approx((case["low"], case["high"]))
    assert find_window(draw(case)[None]) == expected
    ((low, high),) = describe_display(case_of(np.stack([draw(case)] * 8))).windows
    assert (low, high) == expected


@pytest.mark.parametrize("case", TABLE["greys"], ids=lambda case: f"{case['low']}")
def test_greys_of_the_shared_table(case: dict[str, Any]) -> None:
    values = np.array([case["values"]], np.int16)
    assert grey_levels(values, (case["low"], case["high"])).tolist() == [case["greys"]]


def test_channels_that_are_the_same_and_the_one_shown_first() -> None:
    case = make_case()
    flair, pre = case.pixels[..., 1:], case.pixels[..., :1]
    three = make_case(
        pixels=np.concatenate([flair, flair, pre], axis=-1),
        sequences=(SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST),
    )
    display = describe_display(three)
    assert display.same_as == (None, 0, None)
    assert display.start_channel == 1
    assert (
        describe_display(make_case(sequences=(SequenceName.PRE, SequenceName.T2))).start_channel
        == 0
    )


def test_thumbnail_is_a_small_grey_png_in_the_window() -> None:
    image = np.tile(np.arange(400, dtype=np.int16), (300, 1))
    picture = Image.open(io.BytesIO(make_thumbnail(image, (100, 200))))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (192, 144))
    assert picture.getpixel((0, 0)) == 0
    assert picture.getpixel((191, 0)) == 255


def test_sequence_labels() -> None:
    assert [sequence_label(s) for s in ("flair", "t1", "t1c", "t2", "strange")] == [
        "FLAIR",
        "T1 pre-contrast",
        "T1 post-contrast",
        "T2",
        "Unknown sequence",
    ]
