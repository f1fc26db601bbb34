"""Two-stage brain tumor pipeline: a ResNet classifies slices, a ResUNet outlines them."""
