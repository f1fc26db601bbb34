"""Pages of HTML as PDF, made in confined children."""
