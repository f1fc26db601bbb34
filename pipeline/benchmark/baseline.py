"""The engine without what makes it fast, to compare with: traced, and everything computed.

It is what OpenVINO makes of the network by itself: a graph that TensorFlow traced. The network is
copied without what its metadata allows to leave out (`pipeline.models.metadata.SAVINGS`), so that
every command can be run with it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipeline.models.metadata import SAVINGS
from pipeline.models.registry import DEFAULT_TASK, METADATA_FILE, read_model_info
from pipeline.storage.atomic_files import write_json


@dataclass(frozen=True)
class Installed:
    """What a command needs: ``models``, and ``engine_dir``, the folder of exports."""

    models: Path
    engine_dir: Path


def baseline_in(folder: Path) -> Installed:
    """Where the copy is."""
    return Installed(folder / "models", folder / "engine")


def make_baseline(models: Path, folder: Path) -> None:
    """Copy the network without savings and export it traced. Needs TensorFlow.

    Args:
        models: Shipped models.
        folder: For the copy.

    Raises:
        InputError: The network cannot be read, or its export does not agree with Keras.
    """
    from pipeline.engine.export import export_network
    from pipeline.engine.openvino_engine import convert_traced

    own = read_model_info(models).network.folder
    copied = baseline_in(folder)
    here = copied.models / DEFAULT_TASK / own.name
    shutil.copytree(own, here)
    path = here / METADATA_FILE
    content = json.loads(path.read_text(encoding="utf-8"))
    options = content.get("inference", {})
    content["inference"] = {name: options[name] for name in options if name not in SAVINGS}
    write_json(path, content)
    network = read_model_info(copied.models).network
    export_network(network, copied.engine_dir, engine="openvino", convert=convert_traced)
