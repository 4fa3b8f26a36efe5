"""From a rotation program to what the compiled loops run, once for each program.

monomial_frame: Clifford gates folded into index arithmetic
encoding: a circuit as an encoding of data and the trained rest
items: what is left of a program
schedule: from a program to few items
phase_basis: the bits over which a phase pass builds its table
measurements: observables pulled through the frame
steps: rows of integers for the interpreter, and what each costs
bytecode: from a schedule to steps, tables and constants
"""
