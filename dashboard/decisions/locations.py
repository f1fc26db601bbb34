"""Places in the head that a reader may choose for a lesion, with their SNOMED CT codes.

The AI never names a place. The codes are those of DICOM's context groups, as pydicom lists them
(`pydicom.sr.codedict`); a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Code to the words that readers see, in the order of the list.
LOCATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "83251001": "Frontal lobe",
        "16630005": "Parietal lobe",
        "78277001": "Temporal lobe",
        "31065004": "Occipital lobe",
        "36169008": "Insula",
        "42695009": "Thalamus",
        "5366008": "Hippocampus",
        "88442005": "Corpus callosum",
        "68523003": "Cerebral white matter",
        "35764002": "Ventricles",
        "119238007": "Brainstem",
        "113305005": "Cerebellum",
        "56329008": "Pituitary",
        "1231004": "Meninges",
    }
)


def check_location(code: str) -> str:
    """A code of the list.

    Raises:
        ValueError: It is not in the list.
    """
    if code not in LOCATIONS:
        raise ValueError("must be a location of the list")
    return code
