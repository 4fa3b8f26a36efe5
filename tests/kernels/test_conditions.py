"""What was on while circuits ran is in the results."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from runtime_server.client import HAS_EXECUTOR

from qiskit_qml_ext.circuits import TrainableRingFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import OptionWithoutEffectWarning
from qiskit_qml_ext.gradients import jacobian
from qiskit_qml_ext.kernels import (
    CachedKernel,
    CombinedKernel,
    EvenErrors,
    FidelityKernel,
    TrainableKernel,
    TrainableProjectedKernel,
    compute_kernel_estimate,
)
from qiskit_qml_ext.primitives import Journal, connect
from qiskit_qml_ext.primitives.targets.client.conditions import conditions_of

SAMPLES = np.array([[0.3, 0.2], [1.5, 1.0]])
TWIRLING = {"enable_gates": True, "num_randomizations": 4}
NEWER = pytest.mark.skipif(not HAS_EXECUTOR, reason="the older generation mitigates on the service")


def test_words_are_those_of_the_options_in_order_of_their_names():
    options = {
        "twirling": {"enable_gates": True},
        "dynamical_decoupling": {"enable": True, "sequence_type": "XY4"},
        "environment": {"job_tags": ["mine"]},
        "max_execution_time": 5,
        "simulator": {"seed_simulator": 3},
        "resilience": {"layer_noise_model": [(object(), object())], "zne": {"noise_factors": (1, 3)}},
    }
    assert conditions_of(options, mitigates_by_itself=False) == (
        "dynamical_decoupling.enable=True",
        "dynamical_decoupling.sequence_type='XY4'",
        "resilience.layer_noise_model=<1 of tuple>",
        "resilience.zne.noise_factors=(1, 3)",
        "twirling.enable_gates=True",
    )
    assert conditions_of({}, mitigates_by_itself=True) == ("resilience_level=1",)
    assert conditions_of({"resilience_level": 0}, mitigates_by_itself=True) == ("resilience_level=0",)


@NEWER
def test_kernels_tell_what_was_on():
    kernel = FidelityKernel(ZZFeatureMap(), connection=connect("fake_manila", shots=64, seed=1, twirling=TWIRLING))
    estimate = kernel.evaluate_with_errors(SAMPLES)
    told = ("twirling.enable_gates=True", "twirling.num_randomizations=4")
    assert estimate.conditions == told
    assert estimate.reinterpret("hamming", orders="one").conditions == told
    plain = FidelityKernel(ZZFeatureMap(), connection=connect("fake_manila", shots=64, seed=1))
    assert plain.evaluate_with_errors(SAMPLES).conditions == ()
    assert CombinedKernel([("plain", plain), ("twirled", kernel)]).evaluate_with_errors(SAMPLES).conditions == told
    assert FidelityKernel(ZZFeatureMap()).evaluate_with_errors(SAMPLES).conditions == ()


@NEWER
def test_kernels_in_others_trained_ones_and_those_with_shots_of_their_own_tell_it_too(tmp_path):
    once = {"enable_gates": True, "num_randomizations": 1}  # more of them round numbers of shots up
    connection = connect("fake_manila", shots=64, seed=1, twirling=once)
    told = ("twirling.enable_gates=True", "twirling.num_randomizations=1")
    even = FidelityKernel(ZZFeatureMap(), connection=connection, shots=EvenErrors(16))
    trained = TrainableKernel(ZZFeatureMap(), connection=connection, optimizer="spsa", max_iter=1, random_state=0)
    trained.fit(SAMPLES, [0, 1])
    for kernel in (even, CachedKernel(even), trained, trained.frozen(), CachedKernel(trained)):
        assert kernel.evaluate_with_errors(SAMPLES).conditions == told
    for folder in (None, tmp_path / "tiles", tmp_path / "tiles"):
        assert compute_kernel_estimate(even, SAMPLES, tile_size=1, folder=folder).conditions == told
    projected = TrainableProjectedKernel(TrainableRingFeatureMap(), connection=connection, max_iter=1)
    projected.set_params(optimizer="spsa", random_state=0).fit(SAMPLES, [0, 1])
    assert projected.evaluate_with_errors(SAMPLES).conditions == told


@NEWER
def test_shots_of_their_own_are_refused_before_anything_runs_where_twirling_rounds_them_up(tmp_path):
    connection = connect("fake_manila", shots=64, seed=1, twirling={"enable_gates": True}, journal=tmp_path / "journal")
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection, shots=EvenErrors(16))
    for ask in (kernel.plan, kernel.evaluate):
        with pytest.raises(ValueError, match=r"runs 64. Set twirling.num_randomizations"):
            ask(SAMPLES)
    assert not Journal(tmp_path / "journal").units()


@NEWER
def test_a_replay_tells_what_was_on_when_it_was_measured(tmp_path):
    path, folder = tmp_path / "journal", tmp_path / "folder"
    for level in (0, 1):  # two ways of measuring
        given = {"twirling": TWIRLING, "resilience_level": level}
        kernel = FidelityKernel(ZZFeatureMap(), connection=connect("fake_manila", shots=64, journal=path, **given))
        with pytest.warns(OptionWithoutEffectWarning, match="resilience_level"):
            kernel.evaluate(SAMPLES)
    with Journal(path) as journal:
        journal.export(folder)
    replay = connect(replay=folder, series=1)
    kernel = FidelityKernel(ZZFeatureMap(), connection=replay)
    told = ("twirling.enable_gates=True", "twirling.num_randomizations=4")
    assert kernel.evaluate_with_errors(SAMPLES).conditions == told
    assert replay.target.conditions("estimator") == ("resilience_level=0", *told)


@NEWER
def test_gradients_tell_what_was_on_though_nothing_was_asked_for():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    for given, told in (({}, ("resilience_level=1",)), ({"resilience_level": 0}, ("resilience_level=0",))):
        connection = connect("fake_manila", shots=64, seed=1, **given)
        assert jacobian(circuit, SparsePauliOp("Z"), [0.3], connection=connection).conditions == told
    assert jacobian(circuit, SparsePauliOp("Z"), [0.3]).conditions == ()


def test_rehearsals_of_the_older_generation_have_none():
    target = connect("fake_manila", generation="legacy", twirling=TWIRLING).target
    assert target.conditions("sampler") == target.conditions("estimator") == ()
