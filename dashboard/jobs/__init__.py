"""Jobs: the table that is the truth about them, and everything that a click's work passes."""
