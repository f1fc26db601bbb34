"""What leaves for other systems: DICOM SEG, SR, secondary capture and PDF, NIfTI, RLE, tables."""
