"""What readers decide on a study: lesions, decisions, signed records, comparison with priors."""
