"""Identity blocks: a deep circuit that begins as the identity."""

import math
from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.initialization.distribution import InitialDistribution


class IdentityBlockDistribution(InitialDistribution):
    r"""Start from blocks U(θ)U(θ')† with θ' = θ, each of which is the identity.

    :meth:`mirrored` builds the circuit Π_b [U†(θ'_b) U(θ_b)] with 2P parameters for each of the ``num_blocks`` blocks,
    all free in training; :meth:`sample` draws θ_b uniformly and sets θ'_b = θ_b. So each block begins as the identity
    while its inner gates are random. The angles are not independent and have no moments of their own.

    Args:
        num_blocks: The number of blocks, at least 1.
        low: The lower end of the interval of the angles, in radians.
        high: The upper end, in radians.

    References:
        Grant et al., arXiv:1903.05076.

    Examples:
        >>> from qiskit_qml_ext.circuits import IdentityBlockDistribution, RealAmplitudesAnsatz
        >>> distribution = IdentityBlockDistribution(num_blocks=2)
        >>> circuit = distribution.mirrored(RealAmplitudesAnsatz(reps=1).build(2))
        >>> distribution.sample(circuit, 10, rng=0).shape
        (10, 16)
    """

    name: ClassVar[str] = "identity-blocks"
    title = "identity blocks"
    reference: ClassVar[str] = "arXiv:1903.05076"
    independent: ClassVar[bool] = False

    def __init__(self, num_blocks: int = 1, *, low: float = 0.0, high: float = 2 * math.pi):
        self.num_blocks = num_blocks
        self.low = low
        self.high = high

    def mirrored(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """Build the circuit of identity blocks from one circuit U; the argument is not changed.

        Args:
            circuit: A circuit of unitary gates with P parameters.

        Returns:
            A circuit with the parameters ``ParameterVector("θ", 2 · blocks · P)``: of each block first those of U, then
            those of its mirror image, both in the order of ``circuit.parameters``. Its metadata say how many blocks it
            has.
        """
        blocks, number = whole_number("num_blocks", self.num_blocks), circuit.num_parameters
        theta = ParameterVector("θ", 2 * blocks * number)
        result = circuit.copy_empty_like(name=f"identity_blocks({circuit.name})")
        result.global_phase = 0
        for block in range(blocks):
            start = 2 * block * number
            result.compose(circuit.assign_parameters(theta[start : start + number]), inplace=True)
            mirror = circuit.assign_parameters(theta[start + number : start + 2 * number]).inverse()
            result.compose(mirror, inplace=True)
        result.metadata = {**(circuit.metadata or {}), "identity_blocks": blocks}
        return result

    def _draw(self, circuit: QuantumCircuit, size: int, rng: np.random.Generator) -> FloatArray:
        blocks = whole_number("num_blocks", self.num_blocks)
        if not self.low <= self.high:
            raise ValueError(f"low must not be above high, but {self.low!r} and {self.high!r} came.")
        built_with = (circuit.metadata or {}).get("identity_blocks")
        if built_with != blocks:
            raise ValueError(
                f"The circuit has {built_with if built_with is not None else 'no'} identity blocks, but {blocks} are "
                "expected. "
                f"Build it with IdentityBlockDistribution(num_blocks={blocks}).mirrored(circuit)."
            )
        number = circuit.num_parameters // (2 * blocks)
        half = rng.uniform(self.low, self.high, size=(size, blocks, 1, number))
        return np.repeat(half, 2, axis=2).reshape(size, circuit.num_parameters)
