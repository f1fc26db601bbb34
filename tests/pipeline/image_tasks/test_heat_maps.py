import io

import numpy as np
from PIL import Image

from pipeline.image_tasks.heat_maps import display_grey, draw_overlay, encode_png


def test_the_overlay_leaves_the_image_where_nothing_speaks() -> None:
    grey = np.array([[10, 200]], np.uint8)
    drawn = draw_overlay(grey, np.array([[0.0, 1.0]], np.float32))
    assert drawn[0, 0].tolist() == [10, 10, 10]
    assert drawn[0, 1].tolist() != [200, 200, 200]
    decoded = np.asarray(Image.open(io.BytesIO(encode_png(drawn))))
    np.testing.assert_array_equal(decoded, drawn)


def test_any_range_is_shown() -> None:
    assert display_grey(np.zeros((3, 3), np.float32)).max() == 0
    ramp = np.linspace(-500, 3000, 1000, dtype=np.float32)[None]
    shown = display_grey(ramp)
    assert (shown.min(), shown.max()) == (0, 255)
