"""Training of the two-stage network: batches, augmentation, losses, schedules, calibration."""
