"""Options of the Runtime primitives that exclude fractional gates: the one place where this is decided.

Twirling of gates puts Pauli gates around two-qubit gates that undo each other through a Clifford gate, which R_ZZ(θ)
is not; with the newer generation ``twirling.group="local_pauli"`` takes those only that R_ZZ(θ) lets pass. PEC and PEA
learn the noise of twirled layers; gate folding of ZNE repeats Clifford gates and leaves R_ZZ as it is, so that it
extrapolates from points that are all the same. Twirled measurements and dynamical decoupling are fine.
"""

import math
from collections.abc import Mapping
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, ParameterExpression
from qiskit.circuit.library import RXGate, RZZGate

_LEVEL = 2  # the resilience level that twirls gates and extrapolates to zero noise without being told


def exclusion_of(options: Mapping[str, Any], generation: str) -> str | None:
    """Say what to switch off so that fractional gates can be used, ``None`` if nothing stands in their way.

    Args:
        options: What was set for a primitive, as nested dictionaries.
        generation: That of the primitive.
    """
    twirling, resilience = options.get("twirling", {}), options.get("resilience", {})
    twirls, extrapolates = twirling.get("enable_gates"), resilience.get("zne_mitigation")
    takes_group = generation == "executor"
    may_twirl = takes_group and twirling.get("group") == "local_pauli"
    told = []
    if twirls and not may_twirl:
        or_else = ", or twirling.group to 'local_pauli'" if takes_group else ""
        told.append(f"twirling.enable_gates=True: set it to False{or_else}")
    told += [
        f"resilience.{name}=True: set it to False"
        for name in ("pec_mitigation", "zne_mitigation")
        if resilience.get(name)
    ]
    by_itself = (twirls is None and not may_twirl) or extrapolates is None
    if options.get("resilience_level") == _LEVEL and by_itself:
        told.append(f"resilience_level={_LEVEL}, which twirls gates and extrapolates to zero noise: set it to 0 or 1")
    return "; ".join(told) or None


def excluded_gate(circuit: QuantumCircuit, generation: str) -> str | None:
    """Return the name of a gate of a circuit that options exclude, where they exclude fractional gates.

    The older generation takes none of them, the newer one an R_X and an R_ZZ of π/2 or -π/2: it
    makes no job of another one, such as R_ZZ(0).

    Args:
        circuit: A circuit in the device's own gates.
        generation: That of the primitive.
    """
    for item in circuit.data:
        if isinstance(item.operation, ControlFlowOp):
            inner = (excluded_gate(block, generation) for block in item.operation.blocks)
            name = next((one for one in inner if one is not None), None)
            if name is not None:
                return name
        elif isinstance(item.operation, RZZGate) or (generation == "legacy" and isinstance(item.operation, RXGate)):
            angle = item.operation.params[0]
            if (
                generation == "legacy"
                or isinstance(angle, ParameterExpression)
                or not _is_entangling_clifford(float(angle))
            ):
                return str(item.operation.name)
    return None


def _is_entangling_clifford(angle: float) -> bool:
    return abs(abs(angle) - math.pi / 2) < 1e-8  # far above rounding, far below what a device resolves
