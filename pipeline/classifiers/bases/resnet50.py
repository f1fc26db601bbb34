"""ResNet50 without its top (He et al. 2016, arXiv 1512.03385)."""

from __future__ import annotations

from dataclasses import replace

from pipeline.classifiers.bases.architecture import InputKind, keras_application

ARCHITECTURE = replace(
    keras_application("ResNet50", InputKind.CAFFE),
    weights_file="resnet50_imagenet_conv1_to_conv4.npz",
    covered_layer="conv4_block6_out",
    covered="conv1 to conv4",
    missing="conv5",
)
