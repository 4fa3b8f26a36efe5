"""The pass manager that makes circuits into a device's own gates: Qiskit's preset one, with what a device needs."""

from typing import Any

from qiskit.providers import BackendV2
from qiskit.transpiler import StagedPassManager, generate_preset_pass_manager
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.targets.elements import failed_qubits, working
from qiskit_qml_ext.primitives.targets.fractional import rewrite_pair_rotations, teach_folding

_SEARCHING_LEVEL = 2  # the first level whose layout does not begin with qubits 0, 1, 2, …


def pass_manager_for(
    device: DeviceTarget,
    level: int,
    seed: int | None,
    *,
    num_qubits: int,
    backend: BackendV2 | None = None,
) -> StagedPassManager:
    """Return the preset pass manager of a level for circuits on a device.

    It takes no gate with a reported error of 1 and no qubit out of order, and writes rotations of pairs as R_ZZ where
    the device has that.

    Args:
        device: The device.
        level: The transpiler's optimization level.
        seed: The transpiler's seed.
        num_qubits: The number of qubits of the circuits.
        backend: The backend whose own stages of translation and scheduling are used, if it has any.
    """
    teach_folding()
    usable, failed, stages = working(device), failed_qubits(device), _stages_of(backend)
    manager = generate_preset_pass_manager(level, target=usable, seed_transpiler=seed, **stages)
    if not failed.isdisjoint(range(num_qubits)) or (level == 0 and usable is not device):
        searching = generate_preset_pass_manager(_SEARCHING_LEVEL, target=usable, seed_transpiler=seed, **stages)
        manager.layout = searching.layout
    rewrite_pair_rotations(manager, usable)
    return manager


def pass_manager_in_place(
    device: DeviceTarget, level: int, seed: int | None, *, backend: BackendV2 | None = None
) -> StagedPassManager:
    """Return the preset pass manager of a level for circuits whose qubits stay where somebody placed them.

    Args:
        device: The device.
        level: The transpiler's optimization level.
        seed: The transpiler's seed.
        backend: The backend whose own stages of translation and scheduling are used, if it has any.
    """
    teach_folding()
    manager = generate_preset_pass_manager(level, target=device, seed_transpiler=seed, **_stages_of(backend))
    manager.layout = manager.routing = None
    rewrite_pair_rotations(manager, device)
    return manager


def _stages_of(backend: BackendV2 | None) -> dict[str, Any]:
    return {
        f"{stage}_method": getattr(backend, f"get_{stage}_stage_plugin")()
        for stage in ("translation", "scheduling")
        if hasattr(backend, f"get_{stage}_stage_plugin")
    }
