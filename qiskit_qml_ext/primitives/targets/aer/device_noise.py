"""A simulator of a device's noise on the qubits that circuits use, and not on all the others.

Aer works out the errors of every gate on every place, and copies and passes all of them on with each job: on a device
of 156 qubits that is half a minute for a kernel of four. What stands on other qubits changes nothing, so the results
are the same, to the bit for the same seed.
"""

import copy
from collections.abc import Iterable
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier
from qiskit.providers import BackendV2

from qiskit_qml_ext.primitives.targets.elements import rebuilt


class _NoiseByQubits:
    """Noise models of parts of a device; copies of a simulator share it.

    Args:
        device: A fake backend of the Runtime client.
    """

    def __init__(self, device: BackendV2):
        self._device = device
        self._made: dict[frozenset[int], Any] = {}

    def of(self, circuits: Iterable[QuantumCircuit]) -> Any:
        """Return the noise model of the qubits that circuits use."""
        from qiskit_aer.noise import NoiseModel

        used = frozenset(qubit for circuit in circuits for qubit in _used(circuit))
        if used not in self._made:
            part: Any = copy.copy(self._device)
            part._target = rebuilt(self._device.target, lambda name, qubits: used.issuperset(qubits))
            self._made[used] = NoiseModel.from_backend(part)
        return self._made[used]

    def __deepcopy__(self, memo: dict[int, Any]) -> "_NoiseByQubits":
        return self


def simulator_of_device(device: BackendV2) -> Any:
    """Return an ``AerSimulator`` that has the noise of a fake device wherever a circuit runs, unless it is given other.

    Args:
        device: A fake backend of the Runtime client.
    """
    from qiskit_aer import AerSimulator

    class DeviceSimulator(AerSimulator):
        """Works out the noise when it sees which qubits are used."""

        def run(self, circuits: Any, *arguments: Any, **options: Any) -> Any:
            if self.options.noise_model is None and options.get("noise_model") is None:
                several = [circuits] if isinstance(circuits, QuantumCircuit) else circuits
                options["noise_model"] = self._noise.of(several)
            return super().run(circuits, *arguments, **options)

    # circuits side by side, which is faster than threads inside each of many small ones
    simulator = DeviceSimulator.from_backend(device, noise_model=None, max_parallel_experiments=0)
    simulator._noise = _NoiseByQubits(device)
    return simulator


def _used(circuit: QuantumCircuit) -> set[int]:
    acting = (item for item in circuit.data if not isinstance(item.operation, Barrier))
    return {circuit.find_bit(qubit).index for item in acting for qubit in item.qubits}
