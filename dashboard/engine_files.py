"""Exports the models for the fast engine, in a process of its own: the export needs TensorFlow."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

from dashboard.settings import Settings
from pipeline import InputError

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[1]
_POLL_S = 0.2


def export_models(settings: Settings, *, stopping: threading.Event) -> None:
    """Run ``python -m pipeline export`` for the installed models; quick where they are exported.

    Args:
        settings: How the server runs.
        stopping: Ends the export when it is set.

    Raises:
        InputError: The export failed; the sentence says why.
    """
    command = [sys.executable, "-m", "pipeline", "export"]
    command += ["--models", str(settings.models), "--engine-dir", str(settings.engine_files)]
    command += ["--engine", settings.engine]
    with subprocess.Popen(
        command,
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        told: list[str] = []
        reader = threading.Thread(target=_read_lines, args=(process, told), daemon=True)
        reader.start()
        while process.poll() is None:
            if stopping.wait(_POLL_S):
                process.terminate()
        reader.join(timeout=5)
    if stopping.is_set():
        return
    if process.returncode == 0:
        return
    _LOG.error("The export of the models failed:\n%s", "\n".join(told))
    if process.returncode == 1 and told:  # the command's own sentence for bad input
        raise InputError("", told[-1])
    raise InputError("", "The models could not be prepared on this machine; see the server's log.")


def _read_lines(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stderr is not None
    lines.extend(line.strip() for line in process.stderr if line.strip())
