"""Reading one path, and the volume that tells its own directions."""

import numpy as np

from pipeline.data.reading.reading import read_cases


def marked(shape=(6, 12, 10), *, dtype=np.uint16, value=500):
    """One bright pixel: in an upright axial stack it is superior, anterior, on the right."""
    volume = np.zeros(shape, dtype)
    volume[-1, 1, 2] = value
    return volume


def read_one(path):
    report = read_cases([path])
    assert [error.message for error in report.errors] == []
    (case,) = report.cases
    return case


def read_error(path):
    report = read_cases([path])
    (error,) = report.errors
    return error.message


def brightest(case):
    return tuple(
        int(i) for i in np.unravel_index(np.argmax(case.pixels[..., 0]), case.pixels.shape[:3])
    )
