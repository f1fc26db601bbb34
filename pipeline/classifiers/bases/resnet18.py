"""ResNet18 without its top; see `pipeline.models.resnet18`."""

from __future__ import annotations

from typing import Any

from pipeline.classifiers.bases.architecture import Architecture, InputKind
from pipeline.models.resnet18 import COVERED_LAYER, WEIGHTS_FILE, build_stages, file_name


def _build(pixels: Any) -> Any:
    return build_stages(pixels, last_features=512, last_blocks=2)["stage4_block1_relu"]


ARCHITECTURE = Architecture(
    name="resnet18",
    title="ResNet18",
    input_kind=InputKind.TORCH,
    build=_build,
    weights_file=WEIGHTS_FILE,
    covered_layer=COVERED_LAYER,
    covered="layer1 to layer3",
    missing="layer4",
    file_names=file_name,
)
