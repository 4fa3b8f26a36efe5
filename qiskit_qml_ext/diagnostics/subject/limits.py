"""How many qubits are feasible, for each way to simulate them."""

MAX_STATE_QUBITS = 14
"""Hundreds of states of so many qubits take seconds; above, Pauli strings and walks are faster."""

MAX_DENSITY_QUBITS = 12
"""A density matrix of so many qubits takes 256 MiB."""
