"""Known faults of the running Python in reading zip archives, which uploads may be."""

from __future__ import annotations

import logging
import sys

_LOG = logging.getLogger(__name__)
#: Fault, and by minor version the first patch level without it (security-announce@python.org).
_FIXED_IN = {
    "CVE-2024-0450 (overlapping entries)": {(3, 11): 8, (3, 12): 2, (3, 13): 0},
    "CVE-2024-8088 (endless loop over names)": {(3, 11): 10, (3, 12): 6, (3, 13): 0},
    "CVE-2025-8291 (ZIP64 records read differently)": {(3, 11): 14, (3, 12): 12, (3, 13): 10},
}


def known_faults(version: tuple[int, int, int]) -> tuple[str, ...]:
    """The faults that a version of Python has; none of versions that are not supported."""
    minor, patch = version[:2], version[2]
    return tuple(fault for fault, fixed in _FIXED_IN.items() if patch < fixed.get(minor, 0))


def warn_about_faults() -> None:
    """Log one sentence if this Python has known faults."""
    major, minor, patch = sys.version_info[:3]
    faults = known_faults((major, minor, patch))
    if not faults:
        return
    fixed = max(fixes[major, minor] for fixes in _FIXED_IN.values())
    _LOG.warning(
        "Python %d.%d.%d has known faults in reading zip archives: %s. Install %d.%d.%d or later.",
        *(major, minor, patch),
        ", ".join(faults),
        *(major, minor, fixed),
    )
