"""Jobs: their table, delivery, execution, and the callbacks that follow them."""
