"""Run lengths become references: our own files, and tables as public courses write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories import write_image
from readings import read_error, read_one

from pipeline.data.reading.attaching import read_reference
from pipeline.data.reading.reading import read_cases
from pipeline.data.reading.run_length_files import others_note
from pipeline.data.run_lengths import encode_runs
from pipeline.errors import InputError
from pipeline.interchange.flat_masks import write_runs_csv, write_runs_json

SHAPE = (3, 12, 10)


def lesion() -> Any:
    mask = np.zeros(SHAPE, bool)
    mask[1, 2:6, 3:5] = mask[1, 9, 9] = mask[2, 4, 1] = True
    return mask


@pytest.fixture
def case(tmp_path: Path) -> Any:
    pixels = np.random.default_rng(0).integers(30, 250, SHAPE).astype(np.uint8)
    for k, page in enumerate(pixels):
        write_image(tmp_path / "in" / f"TCGA_CS_4941_19960909_{k + 11}.png", page)
    return read_one(tmp_path / "in")


def attach(case: Any, path: Path, text: str) -> Any:
    path.write_text(text, "utf-8")
    return read_reference(case, [path])


def test_what_is_exported_is_read_back(tmp_path: Path, case: Any) -> None:
    table = write_runs_csv(lesion(), case.indices)
    document = write_runs_json(lesion(), case.indices, facts={"record": "a" * 64, "decision": None})
    for name, text in (("m.csv", table), ("m.json", document)):
        found = attach(case, tmp_path / name, text)
        np.testing.assert_array_equal(found.masks, lesion())
        assert (found.sources, found.warnings) == ((name,), ())


def test_a_table_of_all_patients_of_a_course(tmp_path: Path, case: Any) -> None:
    """Names with folders, several rows of one image, empty masks in several words."""
    runs = [encode_runs(one) for one in lesion()]
    first, rest = runs[1].split(" ", 2)[:2], runs[1].split(" ", 2)[2]
    text = "\ufeffImageId;Class;EncodedPixels\r\n" + "".join(
        f"/kaggle/lgg/{name}.tif;tumor;{one}\r\n"
        for name, one in (
            ("TCGA_CS_4941_19960909_11", "nan"),
            ("TCGA_CS_4941_19960909_12", " ".join(first)),
            ("TCGA_CS_4941_19960909_12", rest),
            ("TCGA_CS_4941_19960909_13", runs[2]),
            ("TCGA_DU_5849_19950405_12", "1 5"),
        )
    )
    found = attach(case, tmp_path / "train.csv", text)
    np.testing.assert_array_equal(found.masks, lesion())
    assert found.warnings == (others_note("train.csv", 1),)


def test_names_that_lead_nowhere_are_taken_in_order(tmp_path: Path, case: Any) -> None:
    rows = [f"x{'abc'[k]},{encode_runs(one)}" for k, one in enumerate(lesion())]
    found = attach(case, tmp_path / "m.csv", "\n".join(["id,rle", *rows]))
    np.testing.assert_array_equal(found.masks, lesion())
    with pytest.raises(InputError, match="of this study"):
        attach(case, tmp_path / "m.csv", "\n".join(["id,rle", *rows[:2]]))


@pytest.mark.parametrize(
    "text",
    [
        "slice,rle\n12,1 2 3\n",
        "slice,rle\n12,119 5\n",
        "slice,rle\n12,0 1\n",
        "slice,rle\n12,1 3 2 2\n",
        "slice,rle\nx,1 2\n",
        "slice,rle\n12\n",
        'slice,rle\n12,"1 2\n',
        "slice,height,width,rle\n12,10,12,1 2\n",
        "slice,height,width,rle\n12,10,99999999999,1 2\n",
        "slice,rle\n99,1 2\n",
        "slice,rle\n",
        '{"order": "column-major, from 1", "height": 12, "width": 10, "slices": [{"slice": "a"}]}',
        '{"order": "column-major, from 1", "height": 12, "width": 0, "slices": []}',
        '{"order": "column-major, from 1", "height": 12, "width": 10, "slices": []}',
        '{"order": "column-major, from 1", ',
    ],
)
def test_what_cannot_be_right_gets_a_sentence(tmp_path: Path, case: Any, text: str) -> None:
    with pytest.raises(InputError, match=r"m\.csv"):
        attach(case, tmp_path / "m.csv", text)


def test_run_lengths_are_no_study(tmp_path: Path, case: Any) -> None:
    (tmp_path / "in" / "m.csv").write_text(write_runs_csv(lesion(), case.indices), "utf-8")
    report = read_cases([tmp_path / "in"])
    assert report.errors == () and len(report.cases) == 1
    assert "reference" in read_error(tmp_path / "in" / "m.csv")
    (tmp_path / "other.csv").write_text("slice,score\n1,0.5\n", "utf-8")
    (tmp_path / "other.json").write_text(json.dumps({"slices": [{"rle": ""}]}), "utf-8")
    for name in ("other.csv", "other.json"):
        with pytest.raises(InputError, match="text file"):
            read_reference(case, [tmp_path / name])
