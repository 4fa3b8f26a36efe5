"""Will it train: the gradient at the start and while training, against what shots and precision let one see."""
