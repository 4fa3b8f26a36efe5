"""How every model is prepared, tuned and tested: the folds, the candidates and their searches."""
