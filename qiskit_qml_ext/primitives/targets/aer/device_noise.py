"""A simulator of a device's noise on the qubits that circuits use, and not on all the others.

Aer works out the errors of every gate on every place, and copies and passes all of them on with each job: on a device
of 156 qubits that is half a minute for a kernel of four. What stands on other qubits changes nothing, so the results
are the same, to the bit for the same seed.
"""

import copy
from collections.abc import Iterable
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2

from qiskit_qml_ext.primitives.targets.aer.parts import JobInParts, RunInParts, parts_of
from qiskit_qml_ext.primitives.targets.elements import rebuilt


class _NoiseByQubits:
    """Noise models of parts of a device; copies of a simulator share it.

    Args:
        device: A fake backend of the Runtime client.
    """

    def __init__(self, device: BackendV2):
        self._device = device
        self._made: dict[frozenset[frozenset[int]], Any] = {}

    def of(self, parts: Iterable[frozenset[int]]) -> Any:
        """Return the noise model of what acts within parts of the device."""
        from qiskit_aer.noise import NoiseModel

        within = frozenset(parts)
        if within not in self._made:
            device: Any = copy.copy(self._device)
            device._target = rebuilt(
                self._device.target, lambda name, qubits: any(part.issuperset(qubits) for part in within)
            )
            self._made[within] = NoiseModel.from_backend(device)
        return self._made[within]

    def journal_content(self) -> Any:
        """Return what the noise depends on: models that were made are the same whenever they are made."""
        return self._device

    def __deepcopy__(self, memo: dict[int, Any]) -> "_NoiseByQubits":
        return self


def simulator_of_device(device: BackendV2) -> Any:
    """Return an ``AerSimulator`` that has the noise of a fake device wherever a circuit runs, unless it is given other.

    Args:
        device: A fake backend of the Runtime client.
    """
    from qiskit_aer import AerSimulator

    class DeviceSimulator(AerSimulator):
        """Works out the noise when it sees which qubits are used, and cuts wide circuits into independent parts."""

        def run(self, circuits: Any, parameter_binds: Any = None, **options: Any) -> Any:
            if self.options.noise_model is not None or options.get("noise_model") is not None:
                return super().run(circuits, parameter_binds, **options)
            several = [circuits] if isinstance(circuits, QuantumCircuit) else list(circuits)
            parts = [parts_of(circuit) for circuit in several]
            if all(len(each) == 1 for each in parts):
                used = frozenset(qubit for each in parts for qubit in each[0])
                return super().run(circuits, parameter_binds, noise_model=self._noise.of([used]), **options)
            cut = RunInParts(several, parts, parameter_binds)
            options |= {"noise_model": self._noise.of(part for each in parts for part in each), "memory": True}
            binds = None if parameter_binds is None else cut.binds
            return JobInParts(super().run(cut.circuits, binds, **options), cut)

    # circuits side by side, which is faster than threads inside each of many small ones
    simulator = DeviceSimulator.from_backend(device, noise_model=None, max_parallel_experiments=0)
    simulator._noise = _NoiseByQubits(device)
    return simulator
