"""Pictures of the patients on which a network does worst."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.analysis.analyser import Analyser
from pipeline.commands.console import ProgressBar, say
from pipeline.data.case import Case
from pipeline.evaluation.pictures import make_sheet, make_tile, write_picture
from pipeline.predictions.files import writing

SHEET_FILE = "worst.png"


def picture_worst(
    cases: Sequence[Case], open_analyser: Callable[[Case], Analyser], folder: Path
) -> None:
    """Write one picture per case and a sheet of all of them.

    Args:
        cases: With reference masks, the worst first.
        open_analyser: Makes the analyser that answers a case.
        folder: Is there.

    Raises:
        InputError: The folder cannot be written.
    """
    if not cases:
        return
    tiles = []
    with ProgressBar("patient") as bar, writing(folder):
        for done, case in enumerate(cases):
            bar(done, len(cases), f"Picturing {case.case_id}")
            tile = make_tile(case, open_analyser(case).analyse(case))
            write_picture(folder / f"{done + 1:02}-{case.case_id}.png", tile)
            tiles.append(tile)
        write_picture(folder / SHEET_FILE, make_sheet(tiles))
    say(f"{len(tiles)} patients with the lowest Dice are pictured in {SHEET_FILE}.")
