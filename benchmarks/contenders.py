"""Who takes part where: each contender, the file in ``peers/`` that runs it, its environment and its suites."""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.task import Case


def _anything(case: Case) -> bool:
    return True


def _in_double(case: Case) -> bool:
    return bool(case.get("precision", "double") == "double")


def _in_double_and_compiled_once(case: Case) -> bool:
    """It compiles nothing, so that there is nothing to compile anew."""
    return _in_double(case) and not case.get("anew", False)


def _in_single(case: Case) -> bool:
    return bool(case.get("precision") == "single")


_JAX_LAYERS = 10  # it unrolls the circuit: 10 layers of 12 qubits compile for a minute, 100 for far more


def _in_double_and_not_deep(case: Case) -> bool:
    return _in_double(case) and case.get("layers", 0) <= _JAX_LAYERS


@dataclass(frozen=True)
class Contender:
    """One way to do the work, in one worker process."""

    label: str
    """What the tables call it."""

    module: str
    """The module in ``benchmarks.peers``."""

    mode: str
    """In words, how it is used."""

    environment: str | None = None
    """The requirements file in ``environments/`` of its interpreter; ``None`` is the interpreter of this process."""

    options: dict[str, str] = field(default_factory=dict)
    """Added to the case that the peer is asked for."""

    rival_in: tuple[str, ...] = ()
    """The suites in which it is a rival: the claims speak of it."""

    beside_in: tuple[str, ...] = ()
    """The suites in which it is measured too, as a mode that the claims do not speak of."""

    accepts: Callable[[Case], bool] = _anything
    """Which cases of these suites it takes."""


OURS = "ours"

CONTENDERS = {
    OURS: Contender("qiskit-qml-ext", "ours", "batched engine, all cores"),
    "torch": Contender("ours in PyTorch", "torch_layer", "the same layer as a module", rival_in=("layers",)),
    "aer": Contender(
        "Aer",
        "aer",
        "transpiled once, one run with parameter binds, save_statevector; kernels: then a BLAS product",
        rival_in=("states", "kernels"),
    ),
    "aer_runtime": Contender(
        "Aer, runtime binds",
        "aer",
        "the same with runtime_parameter_bind_enable=True",
        options={"runtime_parameter_bind_enable": "yes"},
        rival_in=("states", "kernels"),
    ),
    "qml": Contender(
        "qiskit-machine-learning",
        "qiskit_machine_learning",
        "FidelityStatevectorKernel; FidelityQuantumKernel on StatevectorSampler; EstimatorQNN with its defaults",
        rival_in=("states", "kernels", "sampled", "qnn", "epoch"),
        accepts=_in_double_and_compiled_once,
    ),
    "lightning": Contender(
        "PennyLane lightning",
        "pennylane_lightning",
        "lightning.qubit, one QNode call per sample, adjoint gradients; kernels: qml.kernels.square_kernel_matrix",
        "pennylane",
        rival_in=("states", "kernels", "training", "plateau", "epoch"),
        accepts=_in_double_and_compiled_once,
    ),
    "default": Contender(
        "PennyLane broadcast",
        "pennylane_default",
        "default.qubit with parameter broadcasting; kernels: then a BLAS product",
        "pennylane",
        rival_in=("states",),
        beside_in=("kernels",),
    ),
    "jax": Contender(
        "PennyLane + JAX",
        "pennylane_jax",
        "default.qubit, jax.vmap under jax.jit, 64 bit; kernels: the product in the same jitted function",
        "pennylane",
        rival_in=("training", "plateau", "first_call", "epoch"),
        beside_in=("states", "kernels"),
        accepts=_in_double_and_not_deep,
    ),
    "tensorcircuit": Contender(
        "TensorCircuit-NG",
        "tensorcircuit_ng",
        "its JAX backend, jax.vmap under jax.jit, 64 bit",
        "tensorcircuit_ng",
        rival_in=("training", "epoch"),
        accepts=_in_double_and_not_deep,
    ),
    "qulacs": Contender(
        "qulacs",
        "qulacs",
        "ParametricQuantumCircuit, backprop gradients; kernels: then a BLAS product",
        "qulacs",
        rival_in=("states", "training"),
        beside_in=("kernels",),
        accepts=_in_double,
    ),
    "squlearn": Contender(
        "sQUlearn",
        "squlearn",
        "FidelityKernel and LowLevelQNN with Executor('qulacs')",
        "squlearn",
        rival_in=("kernels", "epoch"),
        accepts=_in_double_and_compiled_once,
    ),
    "tfq": Contender(
        "TensorFlow Quantum",
        "tensorflow_quantum",
        "expectation op with the Adjoint differentiator",
        "tensorflow_quantum",
        rival_in=("training", "epoch"),
        accepts=_in_single,
    ),
    "machine": Contender("this machine", "machine", "NumPy's matrix product and copy"),
}


def rivals_in(suite: str, case: Case) -> tuple[str, ...]:
    """Return the names of those to whose best a claim about a case refers."""
    return tuple(name for name, peer in CONTENDERS.items() if suite in peer.rival_in and peer.accepts(case))


def others_in(suite: str, case: Case) -> tuple[str, ...]:
    """Return the names of those that are measured on a case too."""
    return tuple(name for name, peer in CONTENDERS.items() if suite in peer.beside_in and peer.accepts(case))
