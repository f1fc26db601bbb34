"""What comes out of inputs as users have them: ``python -m tests.field FOLDER [WORD ...]``.

Each path in the table of the folder's README.md (without one, each file and folder in it) is given
by itself to ``predict``, with networks that mark what is bright, or the models of ``--models``.
Words choose the paths that contain one of them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "pipeline"))

from fake_models import fake_stages, write_metadata

import pipeline.commands.predict
from pipeline.__main__ import main as run_pipeline
from pipeline.data.preprocessing import INPUT_CHANNELS
from pipeline.data.reading.reading import read_cases

_ROW = re.compile(r"^\| `(K[^`]+)` \|(?P<what>[^|]*)\|[^|]*\|(?P<wanted>[^|]*)\|$", re.MULTILINE)
_SIDE = 96
#: Standard deviations above the foreground's mean from which the rule marks a pixel.
_BRIGHT = 2.2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the inputs and print what came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.field", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*", help="only paths that contain one of these")
    parser.add_argument("--models", type=Path, help="folder of the models; by rule by default")
    arguments = parser.parse_args(argv)
    for name, wanted in find_inputs(arguments.folder):
        if arguments.words and not any(word in name for word in arguments.words):
            continue
        print(f"\n=== {name}")
        if wanted:
            print(f"  wanted: {wanted}")
        with tempfile.TemporaryDirectory() as scratch:
            try:
                describe(arguments.folder / name, Path(scratch), arguments.models)
            except Exception:
                print(traceback.format_exc())
    return 0


def find_inputs(folder: Path) -> Iterator[tuple[str, str]]:
    """Paths below the folder, and what its table says must come out."""
    table = folder / "README.md"
    if table.is_file():
        wanted = ""
        for row in _ROW.finditer(table.read_text("utf-8")):
            above, said = wanted, row["wanted"].strip()
            wanted = above if said.startswith("As above") else said
            yield row[1], wanted
    else:
        yield from ((path.name, "") for path in sorted(folder.iterdir()))


def describe(path: Path, scratch: Path, models: Path | None) -> None:
    """Analyse one input and print the outcome."""
    output = scratch / "output"
    status = predict(path, output, scratch, models)
    report = read_cases([path])
    results = output / "results.json"
    answers: dict[str, Any] = {}
    if results.is_file():
        document = json.loads(results.read_text("utf-8"))
        answers = {case["case_id"]: case for case in document["cases"]}
        errors = [f"{error['source']}: {error['message']}" for error in document["errors"]]
    else:
        errors = [f"{error.source}: {error.message}" for error in report.errors]
    print(f"  exit {status}, {len(report.cases)} cases, {len(errors)} errors")
    for case in report.cases:
        answer = answers.get(case.case_id, {})
        sequences = "+".join(case.sequences)
        edges = case.orientation
        letters = "----" if edges is None else edges.left + edges.right + edges.top + edges.bottom
        print(
            f"  {case.case_id}: {case.pixels.shape[:3]} {case.pixels.dtype} {sequences} {letters}"
        )
        print(f"    spacing {case.spacing_mm}, sources {case.sources[0]} ... {case.sources[-1]}")
        reference = "none" if case.masks is None else f"{int(case.masks.sum()):,} pixels"
        marked = sum(one["mask_area_px"] for one in answer.get("slices", ()))
        print(f"    reference {reference}; mask {marked:,} pixels, {answer.get('volume_ml')} mL")
        for sentence in answer.get("warnings", case.warnings):
            print(f"    - {sentence}")
        for finding in answer.get("input_findings", ()):
            print(f"    * {finding['aspect']}: {finding['sentence']}")
        for volume in sorted((output / "masks").glob(f"{case.case_id}*.nii.gz")):
            describe_nifti(volume)
    for error in errors[:8]:
        print(f"  ! {error}")
    if len(errors) > 8:
        print(f"  ! ... {len(errors) - 8} more")


def predict(path: Path, output: Path, scratch: Path, models: Path | None) -> int:
    """Run ``predict``; returns its exit status."""
    arguments = ["predict", str(path), "--output", str(output), "--models"]
    if models is not None:
        with _silence():
            return run_pipeline([*arguments, str(models)])
    rule = {"size": _SIDE, "channels": list(INPUT_CHANNELS)}
    write_metadata(scratch / "models", input=rule)
    stages = fake_stages(
        lambda batch: np.where((batch[..., 1] > _BRIGHT).any(axis=(1, 2)), 0.9, 0.1)[:, None],
        lambda batch: np.where(batch[..., 1:2] > _BRIGHT, 0.8, 0.1),
    )
    with (
        _silence(),
        mock.patch("pipeline.analysis.analyser.open_stages", lambda info, **_: stages),
        mock.patch.object(pipeline.commands.predict, "ready_engine", lambda _: "openvino"),
    ):
        return run_pipeline([*arguments, str(scratch / "models")])


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


def describe_nifti(path: Path) -> None:
    """Print how a mask lies, and where each reader puts its middle (RAS+ millimetres)."""
    import nibabel as nib
    import SimpleITK

    image = nib.load(path)
    header = image.header
    voxels = np.asarray(image.dataobj)
    codes = f"qform {int(header['qform_code'])}, sform {int(header['sform_code'])}"
    sizes = [round(float(size), 4) for size in header["pixdim"][:4]]
    print(f"    {path.name}: {voxels.shape}, {int(voxels.sum())} voxels, {codes}, pixdim {sizes}")
    places = np.argwhere(voxels)
    if not len(places):
        return
    middle = places.mean(axis=0)
    ras = image.affine[:3, :3] @ middle + image.affine[:3, 3]
    try:
        seen = SimpleITK.ReadImage(str(path))
        lps = seen.TransformContinuousIndexToPhysicalPoint([float(x) for x in middle])
        itk = np.array(lps) * (-1, -1, 1)
        apart = f"{np.linalg.norm(itk - ras):.3f} mm apart"
    except RuntimeError as error:
        apart = f"SimpleITK refuses it: {str(error).splitlines()[-1]}"
    print(f"    middle {np.round(ras, 1).tolist()}, {apart}")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.exit(main())
