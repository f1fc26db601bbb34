"""Charts: pure functions, arrays and tables in, plotly figures out."""
