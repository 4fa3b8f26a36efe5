"""Will it train: variances of losses and gradients, their scaling, causes and noise."""
