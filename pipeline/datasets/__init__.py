"""Public data sets as training data, and the folds that are fixed in advance."""
