"""Who takes part: the name of each contender, the file in ``peers/`` that runs it, the environment that it needs."""

from dataclasses import dataclass, field


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


OURS = "ours"

CONTENDERS = {
    OURS: Contender("qiskit-qml-ext", "ours", "batched engine, all cores"),
    "aer": Contender(
        "Aer", "aer", "transpiled once, one run with parameter binds, save_statevector; kernels: then a BLAS product"
    ),
    "aer_runtime": Contender(
        "Aer, runtime binds",
        "aer",
        "the same with runtime_parameter_bind_enable=True",
        options={"runtime_parameter_bind_enable": "yes"},
    ),
    "qml": Contender(
        "qiskit-machine-learning",
        "qiskit_machine_learning",
        "FidelityStatevectorKernel; FidelityQuantumKernel on StatevectorSampler; EstimatorQNN with its defaults",
    ),
    "lightning": Contender(
        "PennyLane lightning",
        "pennylane_lightning",
        "lightning.qubit, one QNode call per sample, adjoint gradients; kernels: qml.kernels.square_kernel_matrix",
        "pennylane",
    ),
    "default": Contender(
        "PennyLane broadcast",
        "pennylane_default",
        "default.qubit with parameter broadcasting; kernels: then a BLAS product",
        "pennylane",
    ),
    "jax": Contender(
        "PennyLane + JAX",
        "pennylane_jax",
        "default.qubit, jax.vmap under jax.jit, 64 bit; kernels: the product in the same jitted function",
        "pennylane",
    ),
    "qulacs": Contender(
        "qulacs", "qulacs", "ParametricQuantumCircuit, backprop gradients; kernels: then a BLAS product", "qulacs"
    ),
    "squlearn": Contender("sQUlearn", "squlearn", "FidelityKernel with Executor('qulacs')", "squlearn"),
    "tfq": Contender(
        "TensorFlow Quantum",
        "tensorflow_quantum",
        "expectation op with the Adjoint differentiator",
        "tensorflow_quantum",
    ),
    "machine": Contender("this machine", "machine", "NumPy's matrix product and copy"),
}
