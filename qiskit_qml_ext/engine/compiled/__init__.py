"""The compiled loops over tiles of samples: arrays in, arrays out.

jit: the one decorator, and what the cache of compiled code is valid for
simd: vectors of samples as values
gates: Pauli rotations, Hadamard gates, dense gates and permutations
hadamards: layers of plain Hadamard gates
phases: diagonal gates as one pass, and product states
rows: the arguments of the steps from parameter values, and their derivatives
measure: expectation values, and O ψ for the reverse pass
machine: the interpreter of a plan's steps
tile: the memory of a tile, and what every pass needs
runners: from parameter values to results, the entry points
training: the loss behind expectation values, and the update of Adam
state_losses: a mean loss and its gradient, each sample's state by itself
operator_losses: the same for many samples on few qubits, by the operators that they measure
"""
