"""VGG19 without its top (Simonyan and Zisserman 2015, arXiv 1409.1556)."""

from __future__ import annotations

from pipeline.classifiers.bases.architecture import InputKind, keras_application

ARCHITECTURE = keras_application("VGG19", InputKind.CAFFE)
