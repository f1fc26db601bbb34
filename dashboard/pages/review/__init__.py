"""The review page: one study, slice by slice."""
