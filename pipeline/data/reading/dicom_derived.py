"""Pictures in DICOM that are no slices of an acquisition: projections, reformats, screenshots."""

from __future__ import annotations

from itertools import pairwise

from pydicom.dataset import Dataset

from pipeline.data.reading.dicom_files import Frame
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.sequences import split_words
from pipeline.errors import PassedOver

PROJECTION = "a projection through many slices (MIP)"
RENDERING = "a rendering of a volume"
SCREEN_CAPTURE = "a screen capture"
DOSE_MAP = "a dose map"
LOCALIZER = "a localizer"
#: Left out where what they were made from is given too.
REFORMAT = "a reformat (MPR) of other slices"
SECONDARY_CAPTURE = "a secondary capture (a screenshot or a scanned page)"

#: Values of ImageType, each a whole value.
_BY_TYPE = {
    PROJECTION: "MIP,MINIP,MNIP,MIP_SAG,MIP_COR,MIP_TRA,MAX_IP,MIN_IP,PROJECTION IMAGE,PROJECTION,"
    "THIN_MIP,MIP THIN,CSA MIP,RADIAL MIP,SPIN,TUMBLE",
    RENDERING: "VRT,VR,SSD,VOLUME RENDER,VOLUME_RENDER,VOLUME RENDERING,RENDERED,3D RENDERING,MPVR",
    SCREEN_CAPTURE: "SCREEN SAVE,SCREENSAVE,SCREEN_SAVE,SCREENSHOT,SCREEN SHOT,SCREEN CAPTURE,"
    "SCREEN_CAPTURE,SCREEN,CAPTURE,CSA REPORT,REPORT,PASTED",
    DOSE_MAP: "DOSE,DOSE MAP,DOSE_MAP,DOSE_INFO,RTDOSE",
    LOCALIZER: "LOCALIZER,LOCALISER,SCOUT,SURVEY",
    REFORMAT: "MPR,REFORMATTED,REFORMAT,CPR,CURVED,CSA MPR,MPR_THICK,OBLIQUE_REFORMAT",
}
_KIND_OF_TYPE = {word: kind for kind, words in _BY_TYPE.items() for word in words.split(",")}
#: Words of a series' description that say the same.
_BY_WORD = {
    **dict.fromkeys(("mip", "minip", "mnip", "mips"), PROJECTION),
    **dict.fromkeys(("vrt", "rendering"), RENDERING),
    **dict.fromkeys(("screenshot", "screenshots", "screensave", "screencapture"), SCREEN_CAPTURE),
    **dict.fromkeys(("localizer", "localiser", "loc", "scout", "survey", "3plane"), LOCALIZER),
}
_SECONDARY_CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"


def derived_kind(header: Dataset, frame: Frame) -> str | None:
    """What a picture is that is never analysed, in a sentence's words; None for slices.

    Args:
        header: Its file's header.
        frame: The picture.
    """
    kinds = {_KIND_OF_TYPE.get(word) for word in frame.kind.image_type} - {None, REFORMAT}
    if kinds:
        return next(kind for kind in _BY_TYPE if kind in kinds)
    if str(header.get("Modality", "") or "").upper() == "RTDOSE":
        return DOSE_MAP
    words = [word.text for word in split_words(str(header.get("SeriesDescription", "") or ""))]
    if ("3", "plane") in pairwise(words):
        return LOCALIZER
    return next((_BY_WORD[word] for word in words if word in _BY_WORD), None)


def is_reformat(frame: Frame) -> bool:
    """Whether a picture was cut from other slices in another direction."""
    return any(_KIND_OF_TYPE.get(word) == REFORMAT for word in frame.kind.image_type)


def is_secondary_capture(header: Dataset) -> bool:
    """Whether a picture was made from another one, or from paper, by its storage class."""
    return str(header.get("SOPClassUID", "") or "").startswith(_SECONDARY_CAPTURE_CLASS)


def left_out_error(file: InputFile, title: str, kind: str, *, n: int, total: int) -> PassedOver:
    """The sentence on pictures that are kept out of the analysis.

    Args:
        file: The first of them.
        title: Their series, as a sentence names it.
        kind: What they are, of the constants above.
        n: How many files.
        total: Files of the series.
    """
    if n == total:
        message = f"{title} is {kind}; it is left out of the analysis."
        return PassedOver(file.source, message, n_files=n)
    of = title.replace("Series ", "series ", 1)
    verb = "is" if n == 1 else "are each"
    end = "it is left out" if n == 1 else "they are left out"
    message = f"{n} of {total} files of {of} {verb} {kind}; {end} of the analysis."
    return PassedOver(file.source, message, n_files=n)
