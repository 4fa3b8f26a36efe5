"""Pauli strings carried backwards through circuits: the compiled loops and what they share."""
