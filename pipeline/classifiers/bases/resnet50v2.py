"""ResNet50V2 without its top (He et al. 2016, arXiv 1603.05027)."""

from __future__ import annotations

from pipeline.classifiers.bases.architecture import InputKind, keras_application

ARCHITECTURE = keras_application("ResNet50V2", InputKind.TF)
