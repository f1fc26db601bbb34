"""MobileNetV2 at width 0.35 without its top (Sandler et al. 2018, arXiv 1801.04381).

Small enough (0.4 M parameters) to be shipped and to answer at once.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.classifiers.bases.architecture import InputKind, keras_application

ARCHITECTURE = replace(
    keras_application("MobileNetV2", InputKind.TF, alpha=0.35),
    title="MobileNetV2 0.35",
    weights_file="mobilenetv2_0.35_imagenet_notop.npz",
)
