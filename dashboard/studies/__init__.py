"""Studies: intake, display, description, addresses."""
