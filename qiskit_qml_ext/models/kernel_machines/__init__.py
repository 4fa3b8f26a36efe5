"""Models on a kernel matrix, built on scikit-learn's own: what they share is in ``kernel_model``."""
