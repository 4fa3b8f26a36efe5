"""Every public argument is used or refused: a walk over all public functions with values that cannot be meant."""

import inspect
import math
import re
from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest
from qiskit.circuit.library import real_amplitudes
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_machine_learning.neural_networks import EstimatorQNN
from scipy.sparse import csr_array

from qiskit_qml_ext import diagnostics, engine, evaluation, gradients, kernels, primitives
from qiskit_qml_ext.checks import RULES
from qiskit_qml_ext.circuits import (
    ANSATZE,
    FEATURE_MAPS,
    INITIAL_DISTRIBUTIONS,
    FixedWeightsFeatureMap,
    RealAmplitudesAnsatz,
    ZZFeatureMap,
)
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.kernels import FidelityKernel

PUBLIC = ("engine", "primitives", "gradients", "kernels", "diagnostics", "datasets", "evaluation")
NAN = math.nan
WHOLE = (0, -1, 2.5, "ten", True)
REAL = (-1, "ten", NAN)
WORD = ("no such word", 3)

IMPOSSIBLE = {
    "C_values": ([], [0], [-1], "ten", ["ten"], 1.0),
    "X": (
        *("ten", [["ten"]], [["0.1", "0.2"]] * 12, np.ma.masked_array(np.ones((12, 2)), np.eye(12, 2))),
        *(np.ones((12, 2), dtype="M8[s]"), np.ones((12, 2)) * 1j, [[1.0, None]] * 12, csr_array(np.ones((12, 2)))),
    ),
    "Y": ("ten", [["ten"]], np.ma.masked_array(np.ones((12, 2)), np.eye(12, 2)), np.ones((12, 2)) * 1j),
    "approximation": WORD,
    "model": WORD,
    "bandwidth": REAL,
    "bandwidths": ([], [0], [-1], "ten", 1.0),
    "num_bins": WHOLE,
    "num_directions": WHOLE,
    "center": ([0.0], "ten"),
    "classical": ("ten", {}),
    "confidence": (0, 1, 95, "high", NAN),
    "connection": ("aer", 3),
    "data": WORD,
    "default_precision": REAL,
    "default_shots": WHOLE,
    "depolarizing": ((-1, 0), (2, 0), "ten", 0.1, (0.1,)),
    "depths": (0, -1, [], [0], "deep", 2.5),
    "directions": ("ten",),
    "distribution": ("uniform", 3),
    "distributions": ("uniform", 3, {}),
    "dtype": ("float32", "ten", 3),
    "feature": (-1, 99, "ten", 0.5),
    "folder": (3, True, ["folder"]),
    "folds": WHOLE,
    "gamma": (0, *REAL),
    "is_local": ("yes", 1),
    "journal": (3,),
    "replay": (3,),
    "num_processes": (0, 2.5, "ten", True),
    "kernel_matrix": ("ten",),
    "max_bond": WHOLE,
    "max_cost": REAL,
    "max_dimension": WHOLE,
    "max_executions": WHOLE,
    "max_executions_per_job": WHOLE,
    "max_qpu_seconds": REAL,
    "quota": (3, "premium", {}),
    "max_memory": ("1GB", 0, -1, 2.5, True),
    "max_samples": WHOLE,
    "max_strings": WHOLE,
    "mean": (0, 1, -1, "ten", NAN),
    "method": WORD,
    "mode": WORD,
    "noise": (0.1, "ten"),
    "num_noise_samples": WHOLE,
    "num_data": (0, *REAL),
    "num_pairs": WHOLE,
    "num_qubits": WHOLE,
    "num_samples": WHOLE,
    "num_threads": WHOLE,
    "num_walks": WHOLE,
    "observable": (3, "Z"),
    "optimization_level": (-1, 4, "ten", 1.5),
    "packing": (-1, 0.5, "ten"),
    "fractional": (1, 0, 0.5, "ten", None),
    "packing_buffer": (-1, 0.5, "ten"),
    "other_parameters": ("some", [99], [-1], [0.5], []),
    "parameters": ("some", [99], [-1], [0.5], []),
    "path": ("ten",),
    "perturbation": (0, *REAL),
    "policy": (3,),
    "price_per_minute": REAL,
    "quantity": WORD,
    "feature_counts": ([], [-1], "many", [2.5], -1, 0.5),
    "max_qubits": WHOLE,
    "widths": ([], [-1], "many", [2.5], -1, 0.5),
    "qubits": ([], [-1], "many", [2.5], -1, 0.5),
    "radius": (0, *REAL),
    "regularization": REAL,
    "relative_precision": (0, *REAL),
    "repeats": WHOLE,
    "resolution": WHOLE,
    "scoring": WORD,
    "seed": ("ten", -1, 1.5, True),
    "shots": WHOLE,
    "step": (0, *REAL),
    "standard_errors": (np.full((12, 12), -1.0), "ten"),
    "t": WHOLE,
    "split": WORD,
    "tangents": ("ten", [1.0]),
    "target": (3, "no_such_target"),
    "extrapolate_to": WHOLE,
    "task": WORD,
    "test_fraction": (0, -1, "ten", NAN),
    "test_size": REAL,
    "tile_size": WHOLE,
    "max_seconds": (-1, "long", NAN),
    "num_trajectories": WHOLE,
    "transpile_trials": WHOLE,
    "y": ([1, 2, 3], [None] * 12, np.ma.masked_array(np.arange(12), np.arange(12) == 3)),
}
"""Values that no function can mean by an argument of this name."""

ANSATZ, CIRCUIT, PAULI = RealAmplitudesAnsatz(reps=1), real_amplitudes(2, reps=1), SparsePauliOp("ZI")
SAMPLES = np.random.default_rng(0).uniform(0, 1, (12, 2))
LABELS = np.arange(12) % 2
MATRIX = FidelityKernel(ZZFeatureMap()).evaluate(SAMPLES)
ANGLES = np.zeros((3, 4))


def noise_model() -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.01, 1), ["ry"])
    return model


def small_dataset() -> Dataset:
    return Dataset.from_arrays(np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2)


TWO = {"num_qubits": 2}
CALLS: dict[str, tuple[Callable[..., object], tuple[object, ...], dict[str, object]]] = {
    "gradient_variance": (diagnostics.gradient_variance, (ANSATZ, PAULI), {**TWO, "num_samples": 20}),
    "compare_initializations": (diagnostics.compare_initializations, (ANSATZ, PAULI), {**TWO, "num_samples": 20}),
    "diagnose": (diagnostics.diagnose, (ANSATZ,), {**TWO, "num_samples": 20, "max_seconds": 1e-6}),
    "diagnose a kernel": (diagnostics.diagnose, (ZZFeatureMap(), SAMPLES, LABELS), {"max_seconds": 1e-6}),
    "effective_dimension": (diagnostics.effective_dimension, (CIRCUIT,), {"num_samples": 10}),
    "entangling_capability": (diagnostics.entangling_capability, (ANSATZ,), {**TWO, "num_samples": 20}),
    "expressibility": (diagnostics.expressibility, (ANSATZ,), {**TWO, "num_pairs": 50}),
    "fourier_spectrum": (diagnostics.fourier_spectrum, (CIRCUIT, PAULI), {"num_samples": 10}),
    "geometric_difference": (diagnostics.geometric_difference, (MATRIX, SAMPLES, LABELS), {}),
    "model_complexity": (diagnostics.model_complexity, (MATRIX, LABELS), {}),
    "kernel_concentration": (diagnostics.kernel_concentration, (ZZFeatureMap(), SAMPLES), {}),
    "kernel_health": (diagnostics.kernel_health, (MATRIX, LABELS), {}),
    "centred_alignment": (diagnostics.centred_alignment, (MATRIX, MATRIX), {}),
    "ideal_kernel": (diagnostics.ideal_kernel, (LABELS,), {}),
    "lie_algebra": (diagnostics.lie_algebra, (ANSATZ,), dict(TWO)),
    "loss_landscape": (diagnostics.loss_landscape, (CIRCUIT, PAULI, np.zeros(4)), {"resolution": 5}),
    "noise_induced_plateau": (
        diagnostics.noise_induced_plateau,
        (ANSATZ, PAULI, noise_model()),
        {**TWO, "depths": (1, 2, 3), "num_samples": 5},
    ),
    "plateau_causes": (diagnostics.plateau_causes, (ANSATZ, PAULI), {**TWO, "num_samples": 20}),
    "scaling_study": (
        diagnostics.scaling_study,
        (ANSATZ, diagnostics.local_observable),
        {"widths": [2, 3, 4], "num_samples": 20},
    ),
    "why_no_second_moments": (diagnostics.why_no_second_moments, (CIRCUIT, PAULI), {}),
    "second_moments": (diagnostics.second_moments, (ANSATZ, PAULI), {**TWO, "num_walks": 256}),
    "second_moment_bounds": (diagnostics.second_moment_bounds, (ANSATZ, PAULI), dict(TWO)),
    "chain_second_moment": (diagnostics.chain_second_moment, (ANSATZ, PAULI), dict(TWO)),
    "kernel_scores": (diagnostics.kernel_scores, (MATRIX, {"RBF": MATRIX}, LABELS), {"X": SAMPLES}),
    "rbf_twin": (diagnostics.rbf_twin, (MATRIX, SAMPLES, LABELS), {}),
    "shots_to_resolve": (diagnostics.shots_to_resolve, (MATRIX,), {}),
    "stabilizer_renyi_entropy": (diagnostics.stabilizer_renyi_entropy, (ANSATZ,), {**TWO, "num_samples": 10}),
    "suggest_bandwidth": (diagnostics.suggest_bandwidth, (ZZFeatureMap(), SAMPLES), {}),
    "product_bandwidth": (diagnostics.product_bandwidth, (3,), {}),
    "product_encoding_moments": (diagnostics.product_encoding_moments, (3, 0.5), {}),
    "haar_frame_potential": (diagnostics.haar_frame_potential, (3, 2), {}),
    "local_observable": (diagnostics.local_observable, (3,), {}),
    "averaged_local_observable": (diagnostics.averaged_local_observable, (3,), {}),
    "global_observable": (diagnostics.global_observable, (3,), {}),
    "global_projector": (diagnostics.global_projector, (3,), {}),
    "PauliPropagation": (diagnostics.PauliPropagation, (CIRCUIT, PAULI), {}),
    "connect": (primitives.connect, (), {}),
    "connect to aer": (primitives.connect, ("aer",), {}),
    "connect to a fake device": (primitives.connect, ("fake_manila",), {}),
    "rehearse": (primitives.rehearse, (primitives.connect("aer"), []), {}),
    "ExactEstimator": (primitives.ExactEstimator, (), {}),
    "ExactSampler": (primitives.ExactSampler, (), {}),
    "AdjointEstimatorGradient": (gradients.AdjointEstimatorGradient, (), {}),
    "ShiftEstimatorGradient": (gradients.ShiftEstimatorGradient, (), {}),
    "AdjointSamplerGradient": (gradients.AdjointSamplerGradient, (), {}),
    "ShiftSamplerGradient": (gradients.ShiftSamplerGradient, (), {}),
    "FiniteDifferenceGradient": (gradients.FiniteDifferenceGradient, (), {}),
    "SPSAGradient": (gradients.SPSAGradient, (), {}),
    "jacobian": (gradients.jacobian, (CIRCUIT, PAULI, ANGLES), {}),
    "vjp": (gradients.vjp, (CIRCUIT, PAULI, ANGLES, np.ones(3)), {}),
    "jvp": (gradients.jvp, (CIRCUIT, PAULI, ANGLES, ANGLES), {}),
    "hvp": (gradients.hvp, (CIRCUIT, PAULI, ANGLES, ANGLES), {}),
    "ParameterShiftGradient": (gradients.ParameterShiftGradient, (), {}),
    "hessian": (gradients.hessian, (CIRCUIT, PAULI, ANGLES), {}),
    "metric_tensor": (gradients.metric_tensor, (CIRCUIT, ANGLES), {}),
    "statevectors": (engine.statevectors, (CIRCUIT, ANGLES), {}),
    "probabilities": (engine.probabilities, (CIRCUIT, ANGLES), {}),
    "expectations": (engine.expectations, (CIRCUIT, ANGLES, [PAULI]), {}),
    "expectation_jacobian": (engine.expectation_jacobian, (CIRCUIT, ANGLES, [PAULI]), {}),
    "expectation_vjp": (engine.expectation_vjp, (CIRCUIT, ANGLES, [PAULI], np.ones((3, 1))), {}),
    "gram": (engine.gram, (np.eye(4, dtype=complex),), {}),
    "state_memory": (engine.state_memory, (3,), {}),
    "thread_count": (engine.thread_count, (1,), {}),
    "compute_kernel_estimate": (kernels.compute_kernel_estimate, (FidelityKernel(ZZFeatureMap()), SAMPLES), {}),
    "compute_kernel_matrix": (kernels.compute_kernel_matrix, (FidelityKernel(ZZFeatureMap()), SAMPLES), {}),
    "plan_evaluation": (evaluation.plan_evaluation, (small_dataset(),), {}),
    "evaluate": (evaluation.evaluate, (small_dataset(),), {"folds": 2}),
    "corrected_t_test": (evaluation.corrected_t_test, ([0.1, 0.2], [0.1, 0.3]), {"test_fraction": 0.5}),
}

NOT_WALKED = {
    "available_memory": "takes nothing",
    "json_schema": "takes nothing",
    "run_plan": "takes a plan that was checked; its jobs are walked through evaluate",
    "circuit_key": "takes a circuit only",
    "meyer_wallach": "takes states only",
    "clip_spectrum": "takes a matrix only",
    "shift_spectrum": "takes a matrix only",
    "guess_task": "takes labels only",
    "load_dataset": "its words are those of files: tests/datasets",
}
"""Public functions with nothing to walk over, and why."""

ALREADY_POSSIBLE = {
    ("probabilities", "qubits", "[]"): "no measured qubit has one outcome",
    ("ideal_kernel", "y", "[1, 2, 3]"): "three labels have an ideal kernel",
}


def walked() -> list[tuple[str, str, int]]:
    found = []
    for name, (function, _, _) in CALLS.items():
        for argument in inspect.signature(function).parameters:
            found += [(name, argument, place) for place in range(len(IMPOSSIBLE.get(argument, ())))]
    return found


def test_the_walk_knows_every_public_function():
    public = {
        name
        for folder in PUBLIC
        for name in import_module(f"qiskit_qml_ext.{folder}").__all__
        if inspect.isfunction(getattr(import_module(f"qiskit_qml_ext.{folder}"), name))
    }
    assert public - set(CALLS) - set(NOT_WALKED) == set()


def test_the_walk_knows_every_argument_that_is_not_data():
    """A new argument joins the table of impossible values, or the list of those whose values are open."""
    open_values = {
        *("circuit", "kernel", "states", "other", "quantum", "values", "program", "cotangents"),
        *("observables", "states_x", "states_y", "dataset", "feature_map", "first", "second", "options", "progress"),
        *("outcomes", "classes", "pubs"),
    }
    arguments = {name for function, _, _ in CALLS.values() for name in inspect.signature(function).parameters}
    assert arguments - set(IMPOSSIBLE) - open_values == set()


@pytest.mark.parametrize(("name", "argument", "place"), walked())
def test_an_impossible_value_is_refused_by_name(name, argument, place):
    function, positional, keywords = CALLS[name]
    value = IMPOSSIBLE[argument][place]
    if (name, argument, repr(value)) in ALREADY_POSSIBLE:
        return
    given = inspect.signature(function).bind(*positional, **keywords).arguments
    given.pop("options", None)
    with pytest.raises((TypeError, ValueError), match=rf"(?i){argument.rstrip('s')}"):
        function(**{**given, argument: value})


def refusal(name: str, value: object) -> str | None:
    """What the rule for an argument says against a value; None if that is left to the function."""
    try:
        RULES[name](name, value)
    except (TypeError, ValueError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", RULES)
def test_a_refusal_says_what_must_be_and_what_came(name):
    said = [text for text in (refusal(name, value) for value in IMPOSSIBLE[name]) if text is not None]
    assert said
    assert all(re.match(rf"(each of )?{name} must .+, but .+", text) for text in said)


NETWORK = EstimatorQNN(circuit=CIRCUIT, weight_params=list(CIRCUIT.parameters))


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (diagnostics.diagnose, {"circuit": ANSATZ, "X": PAULI}, "X is data.*observable="),
        (diagnostics.diagnose, {"circuit": ANSATZ, "X": diagnostics.global_observable}, "X is data.*observable="),
        (diagnostics.diagnose, {"circuit": ANSATZ, "X": SAMPLES}, "X means nothing for the diagnosis of an ansatz"),
        (diagnostics.diagnose, {"circuit": ANSATZ, "y": LABELS}, "y means nothing"),
        (diagnostics.diagnose, {"circuit": CIRCUIT, "X": SAMPLES}, "X means nothing"),
        (diagnostics.diagnose, {"circuit": CIRCUIT, "depths": 3}, "depths means nothing"),
        (diagnostics.diagnose, {"circuit": CIRCUIT, "num_qubits": 3}, "num_qubits is 3"),
        (diagnostics.diagnose, {"circuit": ZZFeatureMap(), "X": SAMPLES, "observable": PAULI}, "observable means"),
        (diagnostics.diagnose, {"circuit": ZZFeatureMap(), "X": SAMPLES, "num_qubits": 2}, "num_qubits means nothing"),
        (diagnostics.diagnose, {"circuit": ZZFeatureMap(), "X": SAMPLES, "depths": 2}, "depths means nothing"),
        (diagnostics.diagnose, {"circuit": NETWORK, "observable": PAULI}, "observable means nothing"),
        (diagnostics.diagnose, {"circuit": NETWORK, "y": LABELS}, "y means nothing"),
        (diagnostics.diagnose, {"circuit": NETWORK, "X": SAMPLES}, "X means nothing"),
        (diagnostics.diagnose, {"circuit": ANSATZ, "price_per_minute": 3.0}, "price_per_minute came without"),
        (diagnostics.gradient_variance, {"circuit": CIRCUIT, "observable": PAULI, "num_qubits": 3}, "num_qubits"),
        (diagnostics.scaling_study, {"circuit": CIRCUIT, "observable": diagnostics.local_observable}, "num_qubits"),
        (
            diagnostics.kernel_concentration,
            {"kernel": FidelityKernel(ZZFeatureMap()), "X": SAMPLES, "connection": primitives.connect("aer")},
            "connection goes with a feature map",
        ),
        (diagnostics.lie_algebra, {"circuit": [PAULI], "num_qubits": 3}, "num_qubits is 3"),
        (
            diagnostics.shots_to_resolve,
            {"kernel_matrix": MATRIX, "shots": 100, "standard_errors": np.zeros((12, 12))},
            "shots",
        ),
        (primitives.connect, {"mode": "session"}, "mode='session' means nothing for exact"),
        (primitives.connect, {"target": "aer", "mode": "batch"}, "mode='batch' means nothing for aer"),
        (primitives.connect, {"packing": True}, "packing=True means nothing for exact"),
        (primitives.connect, {"fractional": True}, "fractional=True means nothing for exact"),
        (primitives.connect, {"target": "aer", "fractional": False}, "fractional=False means nothing for aer"),
        (primitives.connect, {"transpile_trials": 4}, "transpile_trials=4 means nothing for exact"),
        (primitives.connect, {"policy": primitives.Policy()}, "policy came without a journal"),
        (primitives.connect, {"max_cost": 3.0}, "max_cost needs price_per_minute"),
        (evaluation.plan_evaluation, {"dataset": small_dataset(), "journal": "run.sqlite"}, "journal keeps jobs"),
        (
            evaluation.plan_evaluation,
            {"dataset": small_dataset(), "target": primitives.connect("aer"), "shots": 100},
            "The connection decides about the shots",
        ),
    ],
)
def test_an_argument_that_would_not_be_used_is_refused(function, arguments, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match=named):
        function(**arguments)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"connection": primitives.connect(), "sampler": primitives.ExactSampler()}, "Both a connection and a sampler"),
        ({"pass_manager": object()}, "pass_manager goes with sampler"),
        ({"method": "magic"}, "method must be"),
        ({"psd_repair": "magic"}, "psd_repair must be"),
        ({"keep": "magic"}, "keep must be"),
        ({"readout_correction": "magic"}, "readout_correction"),
        ({"training_values": [1.0]}, "training_values"),
        ({"connection": "aer"}, "connection must come from connect"),
    ],
)
def test_settings_of_a_kernel_that_cannot_be_meant_are_refused(settings, named):
    with pytest.raises((TypeError, ValueError), match=named):
        FidelityKernel(ZZFeatureMap(), **settings).evaluate(SAMPLES)


SETTINGS = {
    "reps": WHOLE,
    "register_size": WHOLE,
    "qubits_per_feature": WHOLE,
    "degree": WHOLE,
    "base": WHOLE,
    "num_trotter_steps": WHOLE,
    "seed": ("ten", -1, 1.5, True),
    "evolution_time": ("ten", NAN),
    "bandwidth": (-1, 0, "ten", NAN, [1.0] * 9),
    "entanglement": ("no such word", 3, [(0, 0)], [(0, 99)], [(0,)]),
    "rotation": ("q", 3),
    "rotations": ("q", 3, ""),
    "entangler": WORD,
    "block": WORD,
    "shared": ("yes", 3, None),
    "paulis": ([], "ten", ["Q"], ["Z" * 9], 3),
    "alpha": (0, "ten", NAN),
    "padding": ("ten", NAN),
    "fiducial_angle": ("ten", NAN),
    "fiducial": ("ten", 3),
    "edges": ([(0, 0)], [(0, 99)], "ten", 3, [(0, 1, 2)]),
    "weights": (["ten"], [1.0] * 99, 3, [NAN]),
    "model": WORD,
    "periodic": ("yes", 3),
    "initial_state": ("yes", 3),
    "num_particles": (-1, 2.5, "ten", True),
    "phases": ("yes", 3),
    "number": (0, 20, 2.5, "ten", True),
    "final_rotations": ("yes", 3),
    "local_field": ("q", 3),
    "first_layer": ("yes", 3),
    "feature_map": ("ten", 3),
    "ansatz": ("ten", 3),
    "entangling": ("yes", 3),
    "low": ("ten", NAN, 99),
    "high": ("ten", NAN, -99),
    "std": REAL,
    "locality": WHOLE,
    "num_layers": WHOLE,
    "scale": (0, *REAL),
    "radius": REAL,
    "point": ("ten", [NAN], [1.0]),
    "num_blocks": WHOLE,
    "beta": (0, *REAL),
}
"""Values that no template and no distribution can mean by a setting of this name."""


def settings_of_templates() -> list[tuple[type, str, int]]:
    families = [*FEATURE_MAPS.values(), *ANSATZE.values(), *INITIAL_DISTRIBUTIONS.values(), FixedWeightsFeatureMap]
    return [
        (family, name, place)
        for family in families
        for name in inspect.signature(family).parameters
        for place in range(len(SETTINGS[name]))
    ]


@pytest.mark.parametrize(("family", "name", "place"), settings_of_templates())
def test_a_setting_that_cannot_be_meant_is_refused_by_name(family, name, place):
    settings = {name: SETTINGS[name][place]}
    if family is FixedWeightsFeatureMap:
        settings = {"feature_map": FEATURE_MAPS["trainable-ring"](), "weights": [0.1] * 12, **settings}
    with pytest.raises((TypeError, ValueError), match=rf"(?i){name.rstrip('s')}"):
        use(family(**settings))


def use(made: object) -> None:
    if hasattr(made, "build"):
        made.build(4)
    else:
        made.sample(RealAmplitudesAnsatz().build(2), 3, 0)
