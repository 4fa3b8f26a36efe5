"""One call for "will this train, and is this kernel any good?": for an ansatz, a circuit, a kernel or a model."""

import time

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp
from qiskit_machine_learning.kernels import BaseKernel

from qiskit_qml_ext.checks import check_arguments, numeric_array
from qiskit_qml_ext.circuits import Ansatz, FeatureMap
from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.kernel_request import KernelRequest, drawn_samples
from qiskit_qml_ext.diagnostics.diagnosis.report import Diagnosis
from qiskit_qml_ext.diagnostics.diagnosis.stage import run_stages
from qiskit_qml_ext.diagnostics.diagnosis.stages import CIRCUIT_STAGES, KERNEL_STAGES
from qiskit_qml_ext.diagnostics.subject.built_once import BuiltOnce
from qiskit_qml_ext.diagnostics.subject.network import Network, network_of
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise
from qiskit_qml_ext.diagnostics.subject.observables import local_observable
from qiskit_qml_ext.diagnostics.subject.problem import ObservableFamily, build_circuit
from qiskit_qml_ext.diagnostics.trainability.scaling_study import Depth
from qiskit_qml_ext.kernels.abilities import refuse_seen_labels
from qiskit_qml_ext.primitives import Connection

_DEFAULT_WIDTH = 8


def _examined_below(name: str, value: object) -> object:
    """Let X pass: its error depends on what is diagnosed."""
    return value


@check_arguments(X=_examined_below)
def diagnose(
    circuit: object,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    observable: ObservableFamily | None = None,
    num_qubits: int | None = None,
    depths: Depth = None,
    noise: "Noise | None" = None,
    connection: Connection | None = None,
    price_per_minute: float | None = None,
    num_samples: int = 200,
    max_seconds: float = 60.0,
    seed: int | None = 0,
) -> Diagnosis:
    """Diagnose an ansatz, a circuit, a kernel, a feature map or a model, and say what was found in plain words.

    Args:
        circuit: An ansatz or a circuit (is it trainable?); a kernel or a feature map, with data (does it concentrate,
            is it different from classical kernels?); a network of qiskit-machine-learning or a model with one (is it
            trainable on these data?); or another model with an attribute ``kernel`` or ``ansatz``.
        X: Data for a kernel or a network, shape (n, features), scaled as the feature map wants them.
        y: Labels for a kernel, shape (n,).
        observable: What an ansatz or a circuit measures: an observable, or a function from the number of qubits to
            one; by default Z on one qubit (:func:`local_observable`). A network has its own, and its own width.
        num_qubits: The width of an ansatz; by default 8.
        depths: The number of layers of an ansatz, or a function of the number of qubits; see :func:`scaling_study`.
        noise: An Aer ``NoiseModel``, an ``AerSimulator`` with noise, or a backend, whose reported errors are simulated:
            how much of the gradient or of the kernel's spread it takes, and how that grows with the depth of a
            template. By default none is simulated, whatever the connection.
        connection: A backend, from :func:`~qiskit_qml_ext.primitives.connect`, whose price is wanted: what one
            gradient, or the kernel matrix, takes there with the shots that the diagnosis finds necessary. Nothing runs
            there.
        price_per_minute: The price of a minute of its processor time, in any currency; by default the connection's.
        num_samples: Random points or samples for each estimate.
        max_seconds: Seconds after which no further stage is started.
        seed: Seed of everything random.

    Returns:
        The report; ``print(report.summary())``, show it in a notebook, or ``report.save("report.html")``.

    Raises:
        TypeError: If the subject is of a kind that is not known, or an argument means nothing for its kind.
        ValueError: If data are missing for a kernel, or an argument does not fit.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz
        >>> from qiskit_qml_ext.diagnostics import diagnose
        >>> report = diagnose(RealAmplitudesAnsatz(), num_qubits=3, num_samples=20)
        >>> report.findings[-1].level in ("good", "bad", "unknown")
        True
    """
    start = time.monotonic()
    if isinstance(X, (SparsePauliOp, Pauli)) or callable(X):
        raise TypeError(f"X is data, but {type(X).__name__} came. Give what is measured by name: observable=….")
    numeric_array("X", () if X is None else X)
    network = network_of(circuit, X)
    studied = network.circuit if network is not None else _subject(circuit)
    _check_price(connection, price_per_minute)
    _refuse_meaningless(
        studied, network, {"X": X, "y": y, "observable": observable, "num_qubits": num_qubits, "depths": depths}
    )
    if isinstance(studied, (BaseKernel, FeatureMap)):
        if X is None:
            raise ValueError("A kernel is diagnosed on data: give X, scaled as its feature map wants them.")
        if y is not None:
            refuse_seen_labels(studied)
        samples, labels = drawn_samples(X, y, num_samples, seed)
        asked = KernelRequest(
            studied, samples, labels, seed, noise=noise, connection=connection, price_per_minute=price_per_minute
        )
        return run_stages(KERNEL_STAGES, asked, start=start, max_seconds=max_seconds)
    asked_of_circuit = CircuitRequest(
        _name(circuit, studied, network),
        BuiltOnce(studied) if isinstance(studied, Ansatz) else studied,
        _measured(observable, network),
        _width(studied, num_qubits, network),
        num_samples,
        seed,
        depths=depths,
        network=network,
        noise=noise,
        connection=connection,
        price_per_minute=price_per_minute,
    )
    return run_stages(CIRCUIT_STAGES, asked_of_circuit, start=start, max_seconds=max_seconds)


def _name(subject: object, studied: Ansatz | QuantumCircuit, network: Network | None) -> str:
    if network is not None:
        return type(subject).__name__
    return type(studied).__name__ if isinstance(studied, Ansatz) else "This circuit"


def _measured(observable: ObservableFamily | None, network: Network | None) -> ObservableFamily:
    if network is not None:
        return network.observable
    return local_observable if observable is None else observable


def _width(studied: Ansatz | QuantumCircuit, num_qubits: int | None, network: Network | None) -> int:
    if isinstance(studied, Ansatz):
        return num_qubits or _DEFAULT_WIDTH
    if network is None:
        build_circuit(studied, num_qubits)  # refuses another width
    return int(studied.num_qubits)


_MEANT_FOR = {
    "kernel": {"X", "y"},
    "network": {"X"},
    "ansatz": {"observable", "num_qubits", "depths"},
    "circuit": {"observable", "num_qubits"},
}
"""Which arguments mean something for which kind of subject; the others are for all."""


def _refuse_meaningless(subject: object, network: object, given: dict[str, object]) -> None:
    """Refuse an argument that nothing would be done with."""
    if network is not None:
        kind = "network"
    elif isinstance(subject, QuantumCircuit):
        kind = "circuit"
    else:
        kind = "ansatz" if isinstance(subject, Ansatz) else "kernel"
    unused = [name for name, value in given.items() if value is not None and name not in _MEANT_FOR[kind]]
    if not unused:
        return
    article = {other: f"an {other}" if other == "ansatz" else f"a {other}" for other in _MEANT_FOR}
    meant = [article[other] for other, names in _MEANT_FOR.items() if unused[0] in names]
    raise TypeError(
        f"{unused[0]} means nothing for the diagnosis of {article[kind]}: it goes with {' or '.join(meant)}."
    )


def _check_price(connection: object, price_per_minute: float | None) -> None:
    if connection is not None and not isinstance(connection, Connection):
        raise TypeError(f"connection must come from connect(…), but is a {type(connection).__name__}.")
    if price_per_minute is None:
        return
    if connection is None:
        raise ValueError("price_per_minute came without a backend. Say which one: connection=connect(…).")


def _subject(subject: object) -> Ansatz | QuantumCircuit | BaseKernel | FeatureMap:
    known = (Ansatz, QuantumCircuit, BaseKernel, FeatureMap)
    if isinstance(subject, known):
        return subject
    for name in ("kernel_", "kernel", "quantum_kernel", "ansatz", "feature_map"):
        part = getattr(subject, name, None)
        if isinstance(part, known):
            return part
    raise TypeError(
        f"{type(subject).__name__} cannot be diagnosed; expected an ansatz, a QuantumCircuit, a kernel, a feature map, "
        "or a model that has one of them as its attribute kernel, ansatz or feature_map."
    )
