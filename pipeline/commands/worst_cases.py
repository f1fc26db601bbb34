"""Pictures of the patients and slices on which a network does worst."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pipeline.analysis.analyser import Analyser
from pipeline.analysis.answer import bind_answer
from pipeline.commands.console import ProgressBar, say
from pipeline.data.case import Case
from pipeline.evaluation.pictures import (
    Fault,
    Picture,
    make_sheet,
    make_slice_tile,
    make_tile,
    worst_slices,
    write_picture,
)
from pipeline.predictions.files import writing

SHEET_FILE = "worst.png"


def picture_worst(
    cases: Iterable[Case],
    worst: Sequence[str],
    open_analyser: Callable[[Case], Analyser],
    folder: Path,
    *,
    total: int,
) -> None:
    """Write a picture of each of the worst patients, a sheet of them, and one for each fault.

    The sheet of a fault (`Fault`) has as many slices, no two of one patient, the worst first.

    Args:
        cases: All that were evaluated, with reference masks.
        worst: Names of the worst, the worst first.
        open_analyser: Makes the analyser that answers a case.
        folder: Is there.
        total: How many cases there are.

    Raises:
        InputError: The folder cannot be written.
    """
    if not worst:
        return
    patients: dict[str, Picture] = {}
    slices: dict[Fault, list[tuple[int, str, Picture]]] = {fault: [] for fault in Fault}
    with ProgressBar("patient") as bar:
        for done, case in enumerate(cases):
            bar(done, total, f"Picturing {case.case_id}")
            answer = open_analyser(case).answer(case)
            result = bind_answer(answer, case)
            if case.case_id in worst:
                patients[case.case_id] = make_tile(case, result)
            for fault, (k, pixels) in worst_slices(case, result, answer.left_out).items():
                tile = make_slice_tile(case, result, k, left_out=answer.left_out)
                slices[fault].append((pixels, case.case_id, tile))
                slices[fault].sort(key=lambda entry: (-entry[0], entry[1]))
                del slices[fault][len(worst) :]
    with writing(folder):
        for place, name in enumerate(worst, start=1):
            write_picture(folder / f"{place:02}-{name}.png", patients[name])
        write_picture(folder / SHEET_FILE, make_sheet([patients[name] for name in worst]))
        for fault, entries in slices.items():
            if entries:
                sheet = make_sheet([tile for *_, tile in entries])
                write_picture(folder / f"{fault}.png", sheet)
    say(
        f"{len(worst)} patients with the lowest Dice are pictured in {SHEET_FILE}, their worst "
        f"slices in {', '.join(f'{fault}.png' for fault in Fault if slices[fault])}."
    )
