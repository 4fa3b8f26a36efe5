"""Second moments without states: Pauli walks, chains, bounds."""
