"""VGG16 without its top (Simonyan and Zisserman 2015, arXiv 1409.1556)."""

from __future__ import annotations

from dataclasses import replace

from pipeline.classifiers.bases.architecture import InputKind, keras_application

ARCHITECTURE = replace(
    keras_application("VGG16", InputKind.CAFFE),
    weights_file="vgg16_imagenet_notop.npz",
)
