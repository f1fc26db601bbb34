"""The way in which a browser sends a study."""

from __future__ import annotations

import random

from .browser import Browser, Refused

KIND = "upload"


def send_study(browser: Browser, content: bytes, chance: random.Random) -> str:
    """Upload one file and have it read, as the upload panel does; returns the study's id."""
    batch = f"{chance.getrandbits(128):032x}"
    answer = browser.upload(batch, f"load-{batch[:8]}/flair.nii", KIND, content)
    if not answer["studies"]:
        raise Refused(str(answer["errors"]))
    found: str = answer["studies"][0]["study_id"]
    return found
