"""What a trained circuit consists of: the circuit, where it is evaluated, its outputs, its objective, its training."""
