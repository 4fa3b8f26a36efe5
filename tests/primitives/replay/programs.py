"""Programs that measure: run once with a journal, and again by :func:`main` in another process from the data set."""

import json
import socket
import sys

import numpy as np
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.diagnostics import gradient_variance, kernel_concentration
from qiskit_qml_ext.evaluation import evaluate
from qiskit_qml_ext.gradients import jacobian
from qiskit_qml_ext.kernels import FidelityKernel, HammingKernel, LocalKernel, ProjectedKernel, RandomisedMeasurements
from qiskit_qml_ext.models import AdaptiveQuantumSVC, QuantumSVC, VariationalClassifier
from qiskit_qml_ext.primitives import connect

_RANDOM = np.random.default_rng(0)
X, NEW = _RANDOM.uniform(0, 2, (5, 2)), _RANDOM.uniform(0, 2, (3, 2))
LABELS = np.array([0, 1, 0, 1, 1])


def _kernel(connection, **settings):
    return FidelityKernel(ZZFeatureMap(), connection=connection, **settings)


def _fidelities(connection):
    kernel = _kernel(connection)
    return [kernel.evaluate(X), kernel.evaluate(NEW, X)]


def _twice(connection):
    """Ask for the same twice: two independent results."""
    circuit = zz_feature_map(2)
    circuit.measure_all()
    return [data.meas.array for _ in range(2) for _, data in connection.sample(circuit, X[:2])]


def _values(connection):
    """Ask for blocks of several shapes, one of them again, and for one that is smaller than before."""
    isa = connection.isa_circuit(zz_feature_map(2))
    observable = SparsePauliOp(["ZI", "XX"], [1, 0.5])
    if isa.layout is not None:
        observable = observable.apply_layout(isa.layout)
    results = connection.estimate([(isa, [[observable]], X), (isa, observable, X[:2])])
    again = connection.estimate([(isa, observable, X[:2])])
    return [part for result in (*results, *again) for part in (result.data.evs, result.data.stds)]


def _classified(connection):
    model = QuantumSVC(_kernel(connection)).fit(X, LABELS)
    return [model.decision_function(NEW), model.predict(NEW)]


def _trained(connection):
    model = VariationalClassifier(connection=connection, random_state=0, max_iter=3).fit(X, LABELS)
    return [model.predict_proba(NEW)]


def _adaptive(connection):
    model = AdaptiveQuantumSVC(_kernel(connection), random_state=0).fit(X, LABELS)
    return [model.predict(NEW)]


def _differentiated(connection):
    circuit = real_amplitudes(2, reps=1)
    estimate = jacobian(circuit, SparsePauliOp("ZZ"), np.full((2, 4), 0.3), connection=connection)
    return [estimate.values]


def _variance(connection):
    circuit, observable = real_amplitudes(2, reps=1), SparsePauliOp("ZZ")
    result = gradient_variance(circuit, observable, method="shots", shots=100, num_samples=5, connection=connection)
    return [np.array([repr(result.to_dict())])]


def _evaluated(connection):
    document = evaluate("iris", target=connection, max_samples=20, folds=2, max_qubits=2).to_dict()
    return [np.array([json.dumps(_measured_only(document), sort_keys=True, default=str)])]


def _measured_only(value):
    """Leave out what a replay does otherwise: times, what was run for it, and that nothing was."""
    left_out = {"seconds", "fit_seconds", "started", "circuits", "shots", "jobs"}
    if isinstance(value, dict):
        return {name: _measured_only(one) for name, one in value.items() if name not in left_out}
    if isinstance(value, list):
        return [_measured_only(one) for one in value if not str(one).startswith("Nothing ran for this")]
    return value


PROGRAMS = {
    "fidelities": _fidelities,
    "two kernels": lambda connection: [
        FidelityKernel(ZZFeatureMap(reps=reps), connection=connection).evaluate(X) for reps in (1, 2)
    ],
    "projected": lambda connection: [ProjectedKernel(ZZFeatureMap(), connection=connection).evaluate(X)],
    "local": lambda connection: [LocalKernel(ZZFeatureMap(), connection=connection).evaluate(X)],
    "Hamming": lambda connection: [HammingKernel(ZZFeatureMap(), connection=connection).evaluate(X)],
    "randomised": lambda connection: [_kernel(connection, method=RandomisedMeasurements(num_settings=3)).evaluate(X)],
    "twice": _twice,
    "values": _values,
    "classified": _classified,
    "trained": _trained,
    "adaptive": _adaptive,
    "concentration": lambda connection: [
        np.array([repr(kernel_concentration(ZZFeatureMap(), X, connection=connection).to_dict())])
    ],
    "variance": _variance,
    "gradient": _differentiated,
    "evaluated": _evaluated,
}

TARGETS = {
    "fake device": lambda **settings: connect("fake_manila", shots=64, seed=3, **settings),
    "fake device without a seed": lambda **settings: connect("fake_manila", shots=64, **settings),
    "Aer": lambda **settings: connect("aer", shots=64, seed=3, **settings),
    "exact probabilities": lambda **settings: connect("exact", shots=64, seed=3, **settings),
    "generic": lambda **settings: connect(GenericBackendV2(5, seed=1), shots=64, seed=3, **settings),
    "copies side by side": lambda **settings: connect(
        GenericBackendV2(7, seed=1), shots=64, seed=3, packing=True, packing_buffer=0, **settings
    ),
    "fractional gates": lambda **settings: connect("fake_fractional", shots=64, seed=3, fractional=True, **settings),
    "basic simulator": lambda **settings: connect(BasicSimulator(), shots=64, seed=3, **settings),
}

CASES = [
    *(("fake device", program) for program in PROGRAMS),
    *((target, program) for target in TARGETS for program in ("fidelities", "values") if target != "fake device"),
    ("exact probabilities", "trained"),
]


def _refuse_network(*arguments, **settings):
    raise AssertionError("A replay asked the network.")


def main(jobs):
    """Replay data sets, without a network.

    Args:
        jobs: Pairs of a data set's folder and a program's name; each gets a file ``replayed.npz`` beside it.
    """
    socket.socket.connect = socket.create_connection = _refuse_network
    for folder, program in jobs:
        connection = connect(replay=folder)
        results = PROGRAMS[program](connection)
        assert connection.usage.jobs == 0
        np.savez(f"{folder}.replayed.npz", *results)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
