"""Circuits that nobody could wait for are refused at once, and no others."""

import numpy as np
import pytest

from qiskit_qml_ext.circuits import (
    ANSATZE,
    FEATURE_MAPS,
    PauliFeatureMap,
    PermutationEquivariantAnsatz,
    ReuploadingFeatureMap,
    SimAnsatz,
    ZZFeatureMap,
)
from qiskit_qml_ext.kernels import FidelityKernel
from tests.circuits.catalogue import ANSATZ_CASES, FEATURE_MAP_CASES

FAMILIES = {**FEATURE_MAPS, **ANSATZE}


@pytest.mark.parametrize("template", [*FEATURE_MAP_CASES, *ANSATZ_CASES], ids=repr)
def test_the_gates_counted_from_the_settings_never_exceed_those_of_the_circuit(template):
    for width in range(getattr(template, "min_qubits", 1), 6):
        try:
            circuit = template.build(width)
        except ValueError:
            continue
        assert template.gates_at_least(width) <= max(circuit.size(), circuit.decompose().size())


WITH_LAYERS = [
    (name, layers)
    for name in sorted(FAMILIES)
    for layers in ("reps", "num_trotter_steps")
    if layers in FAMILIES[name]().get_params(deep=False)
]


@pytest.mark.parametrize(("name", "layers"), WITH_LAYERS)
def test_every_family_refuses_a_billion_layers_at_once(name, layers):
    template = FAMILIES[name]()
    with pytest.raises(ValueError, match=rf"{layers}=1000000000.* gates; more than 10,000,000 are not built"):
        template.set_params(**{layers: 10**9}).build(4)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_refuses_a_width_of_a_trillion_at_once(name):
    with pytest.raises(ValueError, match=r"gates; more than 10,000,000 are not built|must be|fiducial"):
        FAMILIES[name]().build(10**12)


@pytest.mark.parametrize(
    ("template", "width"),
    [
        (ZZFeatureMap(reps=1), 20_000),
        (ZZFeatureMap(reps=np.int64(10**9)), 2),
        (PauliFeatureMap(["ZZZZZZ"], reps=1), 100),
        (PermutationEquivariantAnsatz(reps=1), 20_000),
        (SimAnsatz(5), 20_000),
    ],
    ids=repr,
)
def test_pairs_and_larger_blocks_of_all_qubits_count(template, width):
    with pytest.raises(ValueError, match=r"are not built"):
        template.build(width)


def test_a_kernel_of_an_absurd_map_is_refused_with_the_same_sentence():
    with pytest.raises(ValueError, match=r"ZZFeatureMap\(reps=1000000000\) for a width of 2"):
        FidelityKernel(ZZFeatureMap(reps=10**9)).evaluate([[0.1, 0.2]])


def test_wide_circuits_of_one_layer_are_still_built():
    assert ReuploadingFeatureMap(reps=1, register_size=50, entanglement="full").build(1).num_qubits == 50
    assert ZZFeatureMap(reps=1, entanglement="linear").build(300).num_qubits == 300
