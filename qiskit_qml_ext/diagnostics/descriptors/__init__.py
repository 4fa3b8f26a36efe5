"""What a circuit is like: expressibility, entanglement, Fourier spectrum, Lie algebra."""
