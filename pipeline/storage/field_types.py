"""What a field of an untrusted document may hold: plain numbers and texts with bounds.

pydantic refuses anything else at the door, such as a text or ``true`` where a number belongs,
not-a-number, or a share above 1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, unquote_to_bytes

from pydantic import Field, PlainSerializer, PlainValidator, Strict

#: Finite, of any size.
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
#: Finite and not negative.
Amount = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
#: In [0, 1].
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
#: In (0, 1): a threshold.
Threshold = Annotated[float, Strict(), Field(ge=1e-6, le=1 - 1e-6, allow_inf_nan=False)]
#: A whole number from 0.
Count = Annotated[int, Strict(), Field(ge=0, le=10**12)]
Flag = Annotated[bool, Strict()]
#: A name, such as a patient's.
Name = Annotated[str, Strict(), Field(max_length=200)]
#: A name of a model, channel or file: nothing that could leave a folder.
PlainName = Annotated[str, Strict(), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
#: A SHA-256, 64 hexadecimal digits.
Digest = Annotated[str, Strict(), Field(pattern=r"^[0-9a-f]{64}\z")]
#: A DICOM UID: numbers with points between them.
Uid = Annotated[str, Strict(), Field(pattern=r"^[0-9]+(\.[0-9]+)+\z", max_length=64)]
#: A few sentences.
Text = Annotated[str, Strict(), Field(max_length=4000)]


def _read_path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a path")
    return Path(os.fsdecode(unquote_to_bytes(value)))


#: A path between processes; in JSON its bytes, percent-encoded, since its name may not be UTF-8.
SentPath = Annotated[
    Path,
    PlainValidator(_read_path),
    PlainSerializer(lambda path: quote(os.fsencode(path)), return_type=str),
]
