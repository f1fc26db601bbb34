"""Children with limits, in which everything from outside is parsed and decoded."""
