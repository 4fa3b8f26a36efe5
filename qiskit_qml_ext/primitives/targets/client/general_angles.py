"""R_ZZ of a quarter turn beside R_ZZ of other angles, where ``twirling.group`` is ``"local_pauli"``.

The client puts gates of one layer into one box and twirls R_ZZ(±π/2) there as the Clifford gate that it is, which
samplomatic cannot draw together with the Pauli gates that R_ZZ of any other angle lets pass: making the job fails with
"Pauli values not in the commutant of 'rzz' cannot be propagated". So where a circuit has both, π/2 is written as the
value of a parameter, which makes it one of the others.
"""

import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression
from qiskit.circuit.library import RZZGate
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

_GROUP = "local_pauli"
_NEAR = 1e-4  # in radians; the client takes angles that are nearer than 2e-5 for a quarter turn


@functools.cache
def with_general_angles(primitive: Any, kind: Any) -> Any:
    """Return a class of the newer generation's primitives, by the same name, that can twirl all of its R_ZZ.

    Args:
        primitive: The class.
        kind: ``SamplerPub`` or ``EstimatorPub``.
    """

    def run(self: Any, pubs: Iterable[Any], **options: Any) -> Any:
        given = list(pubs)
        if self.options.twirling.group == _GROUP:
            given = [general_pub(pub, kind) for pub in given]
        return primitive.run(self, given, **options)

    kept = {name: getattr(primitive, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(primitive.__name__, (primitive,), {**kept, "run": functools.wraps(primitive.run)(run)})


def general_pub(pub: Any, kind: Any) -> Any:
    """Return a PUB of the same shape whose R_ZZ are all of one sort; the PUB itself if they are.

    Args:
        pub: A PUB, of any form that Qiskit takes.
        kind: ``SamplerPub`` or ``EstimatorPub``.
    """
    coerced = kind.coerce(pub)
    circuit: QuantumCircuit = coerced.circuit
    angles = dict.fromkeys(item.params[0] for item in circuit.data if isinstance(item.operation, RZZGate))
    quarters = [angle for angle in angles if _is_quarter_turn(angle)]
    if len(quarters) in (0, len(angles)):
        return pub
    taken = {parameter.name for parameter in circuit.parameters}
    free = (name for name in (f"quarter{number}" for number in range(len(taken) + len(quarters))) if name not in taken)
    names = {angle: Parameter(name) for angle, name in zip(quarters, free, strict=False)}
    general = circuit.copy_empty_like()
    for item in circuit.data:
        if isinstance(item.operation, RZZGate) and item.params[0] in names:
            general.append(RZZGate(names[item.params[0]]), item.qubits)
        else:
            general.append(item)
    bindings = _extended(coerced.parameter_values, circuit, {name: float(angle) for angle, name in names.items()})
    if isinstance(coerced, EstimatorPub):
        return EstimatorPub(general, coerced.observables, bindings, coerced.precision)
    return SamplerPub(general, bindings, coerced.shots)


def _extended(values: BindingsArray, circuit: QuantumCircuit, more: Mapping[Parameter, float]) -> BindingsArray:
    """Return values of a circuit's parameters together with those of more, which are the same in all rows."""
    own = values.as_array(circuit.parameters)
    columns = np.broadcast_to(list(more.values()), (*values.shape, len(more)))
    return BindingsArray({(*circuit.parameters, *more): np.concatenate([own, columns], axis=-1)}, shape=values.shape)


def _is_quarter_turn(angle: Any) -> bool:
    return not isinstance(angle, ParameterExpression) and abs(abs(float(angle)) - math.pi / 2) < _NEAR
