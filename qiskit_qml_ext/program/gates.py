"""What each gate of Qiskit's standard library is made of: Pauli rotations, Clifford gates and a global phase.

Every rule is exact, including the global phase. A gate without a rule here is lowered through its ``definition``.
The rules for controlled rotations follow from exp(-i θ/2 |1><1| ⊗ P) = exp(-i θ/4 P) exp(+i θ/4 Z_c P).
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from qiskit_qml_ext.program.expressions import Form


class Sink(Protocol):
    """Receives the elementary operations of a gate."""

    def rotate(self, label: str, qubits: Sequence[int], angle: Form) -> None:
        """Append exp(-i angle/2 P), where ``label[j]`` acts on ``qubits[j]``."""

    def clifford(self, name: str, *qubits: int) -> None:
        """Append a Clifford gate."""

    def add_phase(self, angle: Form) -> None:
        """Multiply by exp(i angle)."""


Rule = Callable[[Sink, Sequence[int], Sequence[Form]], None]


def _rotation(label: str) -> Rule:
    def rule(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
        sink.rotate(label, qubits, angles[0])

    return rule


def _clifford(*steps: tuple[str, tuple[int, ...]]) -> Rule:
    def rule(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
        for name, places in steps:
            sink.clifford(name, *(qubits[place] for place in places))

    return rule


def _controlled_rotation(label: str) -> Rule:
    def rule(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
        control, target = qubits
        sink.rotate(label, [target], angles[0].scale(0.5))
        sink.rotate("Z" + label, [control, target], angles[0].scale(-0.5))

    return rule


def _identity(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    """Nothing to do."""


def _phase(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    sink.rotate("Z", qubits, angles[0])
    sink.add_phase(angles[0].scale(0.5))


def _fixed_phase(angle: float) -> Rule:
    def rule(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
        _phase(sink, qubits, [Form(angle)])

    return rule


def _global_phase(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    sink.add_phase(angles[0])


def _u(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    theta, phi, lam = angles
    sink.rotate("Z", qubits, lam)
    sink.rotate("Y", qubits, theta)
    sink.rotate("Z", qubits, phi)
    sink.add_phase(phi.add(lam).scale(0.5))


def _u2(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    _u(sink, qubits, [Form(math.pi / 2), *angles])


def _r(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    theta, phi = angles
    sink.rotate("Z", qubits, phi.scale(-1.0))
    sink.rotate("X", qubits, theta)
    sink.rotate("Z", qubits, phi)


def _controlled_phase(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    # |11><11| = (1 - Z1)(1 - Z2) / 4
    half = angles[0].scale(0.5)
    sink.rotate("Z", qubits[:1], half)
    sink.rotate("Z", qubits[1:], half)
    sink.rotate("ZZ", qubits, half.scale(-1.0))
    sink.add_phase(half.scale(0.5))


def _fixed_controlled_phase(angle: float) -> Rule:
    def rule(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
        _controlled_phase(sink, qubits, [Form(angle)])

    return rule


def _controlled_u(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    theta, phi, lam = angles[:3]
    gamma = angles[3] if len(angles) == 4 else Form()
    _phase(sink, qubits[:1], [gamma.add(phi.add(lam).scale(0.5))])
    for label, angle in (("Z", lam), ("Y", theta), ("Z", phi)):
        _controlled_rotation(label)(sink, qubits, [angle])


def _controlled_sqrt_x(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
    _phase(sink, qubits[:1], [Form(math.pi / 4)])
    _controlled_rotation("X")(sink, qubits, [Form(math.pi / 2)])


def _xx_with_yy(sign: float, dressed: int) -> Rule:
    """XXPlusYYGate (sign +1, Z rotations on qubit 0) and XXMinusYYGate (sign -1, on qubit 1)."""

    def rule(sink: Sink, qubits: Sequence[int], angles: Sequence[Form]) -> None:
        theta, beta = angles
        sink.rotate("Z", [qubits[dressed]], beta.scale(sign))
        sink.rotate("XX", qubits, theta.scale(0.5))
        sink.rotate("YY", qubits, theta.scale(0.5 * sign))
        sink.rotate("Z", [qubits[dressed]], beta.scale(-sign))

    return rule


RULES: dict[str, Rule] = {
    "id": _identity,
    "global_phase": _global_phase,
    **{name: _clifford((name, (0,))) for name in ("h", "s", "sdg", "sx", "sxdg", "x", "y", "z")},
    **{name: _clifford((name, (0, 1))) for name in ("cx", "cz", "swap")},
    "cy": _clifford(("sdg", (1,)), ("cx", (0, 1)), ("s", (1,))),
    "dcx": _clifford(("cx", (0, 1)), ("cx", (1, 0))),
    "iswap": _clifford(("s", (0,)), ("s", (1,)), ("h", (0,)), ("cx", (0, 1)), ("cx", (1, 0)), ("h", (1,))),
    "rx": _rotation("X"),
    "ry": _rotation("Y"),
    "rz": _rotation("Z"),
    "rxx": _rotation("XX"),
    "ryy": _rotation("YY"),
    "rzz": _rotation("ZZ"),
    "rzx": _rotation("ZX"),
    "crx": _controlled_rotation("X"),
    "cry": _controlled_rotation("Y"),
    "crz": _controlled_rotation("Z"),
    "p": _phase,
    "u1": _phase,
    "t": _fixed_phase(math.pi / 4),
    "tdg": _fixed_phase(-math.pi / 4),
    "u": _u,
    "u3": _u,
    "u2": _u2,
    "r": _r,
    "cp": _controlled_phase,
    "cu1": _controlled_phase,
    "cs": _fixed_controlled_phase(math.pi / 2),
    "csdg": _fixed_controlled_phase(-math.pi / 2),
    "csx": _controlled_sqrt_x,
    "cu": _controlled_u,
    "cu3": _controlled_u,
    "xx_plus_yy": _xx_with_yy(1.0, 0),
    "xx_minus_yy": _xx_with_yy(-1.0, 1),
}
"""The rules by the name of the standard gate."""
