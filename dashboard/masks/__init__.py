"""A reader's corrections: rules, encoding, surfaces."""
