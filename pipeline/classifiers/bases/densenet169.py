"""DenseNet169 without its top (Huang et al. 2017, arXiv 1608.06993)."""

from __future__ import annotations

from dataclasses import replace

from pipeline.classifiers.bases.architecture import InputKind, keras_application

ARCHITECTURE = replace(
    keras_application("DenseNet169", InputKind.TORCH),
    weights_file="densenet169_imagenet_notop.npz",
)
