"""Qiskit Aer's simulators: what a target needs, and our care for gates that Aer takes for others."""

from qiskit_qml_ext.primitives.targets.aer.target import AerTarget

__all__ = ["AerTarget"]
