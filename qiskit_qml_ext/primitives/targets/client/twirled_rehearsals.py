"""Rehearsals of twirled circuits in which there is nothing to twirl.

The client simulates the randomisations of a circuit as rows of values in one PUB for Aer's sampler. A circuit without a
two-qubit gate and without parameters has no values, and Aer's sampler runs what has none once, however many rows are
asked for: the counts of all other randomisations are then zeros that nobody measured. So such a circuit is rehearsed
with one parameter, the angle 0 of a rotation R_Z, which takes no time and has no errors. Devices run them all.
"""

import functools
from collections.abc import Iterable
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers.sampler_pub import SamplerPub

_NAME = "randomisation"


@functools.cache
def with_randomisations_kept(sampler: Any) -> Any:
    """Return a class of the newer generation's samplers, by the same name, that simulates all randomisations.

    Args:
        sampler: The class.
    """

    def run(self: Any, pubs: Iterable[Any], **options: Any) -> Any:
        given = list(pubs)
        if self.options.twirling.enable_gates:
            given = [_with_a_parameter(SamplerPub.coerce(pub)) for pub in given]
        return sampler.run(self, given, **options)

    kept = {name: getattr(sampler, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(sampler.__name__, (sampler,), {**kept, "run": functools.wraps(sampler.run)(run)})


def _with_a_parameter(pub: SamplerPub) -> SamplerPub:
    circuit: QuantumCircuit = pub.circuit
    measured = next((item.qubits[0] for item in circuit.data if item.operation.name == "measure"), None)
    if circuit.parameters or measured is None:
        return pub
    rehearsed = circuit.copy_empty_like()
    rehearsed.rz(Parameter(_NAME), measured)
    rehearsed.compose(circuit, inplace=True)
    return SamplerPub.coerce((rehearsed, [0.0], pub.shots))
