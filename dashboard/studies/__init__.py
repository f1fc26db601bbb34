"""Studies: uploads, intake, display, analysis, description, addresses."""
