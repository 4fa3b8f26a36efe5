"""Pauli strings carried backwards through circuits: the compiled loops and what they share.

frame: Clifford gates moved out of the way
kernels: the coefficients of the strings under rotations, and the reverse pass
string_table: the strings, and the partner of each that a rotation turns
propagation: exact losses and gradients from them, without a state
"""
