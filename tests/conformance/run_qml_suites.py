"""Runs qiskit-machine-learning's own test folders with our primitives, gradients and kernels in the place of theirs.

    python tests/conformance/run_qml_suites.py PATH_TO_CHECKOUT [adjoint | shift] [folder or file …]

The wheel has no tests, so that it needs a checkout of their repository near the installed release (and the package
``ddt``, which their tests use); nothing of it stands here, and CI, which has no network, runs
``test_qiskit_machine_learning.py`` instead. What is swapped, in whatever module it was imported:

- ``QMLEstimator.run`` and ``StatevectorEstimator.run``: by ``ExactEstimator``,
- ``QMLSampler.run`` with shots and ``StatevectorSampler.run``: by ``ExactSampler``. Their sampler without shots returns
  probabilities in containers of its own, which no V2 sampler has: it stays,
- ``ParamShiftEstimatorGradient`` and ``ParamShiftSamplerGradient``: by the adjoint or the shift plug-ins, through the
  primitive that came,
- ``FidelityQuantumKernel``, ``FidelityStatevectorKernel`` and both that are trainable: by ``FidelityKernel``, with
  their arguments; see ``qml_kernels.py``.

Of qiskit-machine-learning 0.9.1 with the tests of its commit 5b5a2215 passed, subtests counted (skipped: 28 tests of
GPUs, and the few that they skip themselves): gradients 118 (3 skipped), networks 119 (1 skipped), connectors 15 (28
skipped, 5 cannot pass), ``NeuralNetworkClassifier`` 53, ``VQC`` 97 (13 skipped). With our kernels: the folder of
kernels, ``QSVC``, ``PegasosQSVC`` and ``QSVR`` 311 (24 cannot pass).

``CANNOT_PASS`` lists what cannot pass, and why. The exit code is 0 if all else passes and each of these fails.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import qiskit_machine_learning.gradients as theirs
import qiskit_machine_learning.kernels as their_kernels
import qiskit_machine_learning.primitives as primitives
from qiskit.primitives import StatevectorEstimator, StatevectorSampler

from qiskit_qml_ext.gradients import (
    AdjointEstimatorGradient,
    AdjointSamplerGradient,
    ShiftEstimatorGradient,
    ShiftSamplerGradient,
)
from qiskit_qml_ext.primitives import Connection, ExactEstimator, ExactSampler

sys.path.insert(0, str(Path(__file__).resolve().parent))
import qml_kernels

FOLDERS = (
    "test/gradients",
    "test/neural_networks",
    "test/connectors",
    "test/algorithms/classifiers/test_vqc.py",
    "test/algorithms/classifiers/test_neural_network_classifier.py",
    "test/kernels",
    "test/algorithms/classifiers/test_fidelity_quantum_kernel_qsvc.py",
    "test/algorithms/classifiers/test_fidelity_quantum_kernel_pegasos_qsvc.py",
    "test/algorithms/regressors/test_fidelity_quantum_kernel_qsvr.py",
)

CANNOT_PASS: dict[str, str] = {
    "TorchConnector::test_estimator_qnn": (
        "it asks for noise (a precision of 0.01) and for gradients right to 4 decimals: that holds only where every "
        "circuit is a PUB of its own, in which a seeded estimator repeats the same noise, so that it cancels in the "
        "difference of shifted values. Ours are one PUB, whose noise is independent, as on a device."
    ),
    "TestFidelityQuantumKernel::test_enforce_psd": "it hands in a fidelity of its own; ours takes none.",
    "TestDuplicates::test_evaluate_duplicates": (
        "it counts PUBs, one for each pair; ours is one PUB with all pairs as its parameter values."
    ),
    "TestStatevectorKernel::test_with_shot_noise": (
        "it asks for the numbers that their generator draws, two different ones for the two halves of a pair."
    ),
    "TestStatevectorKernel::test_enforce_psd": "it replaces a private method that draws noise.",
    "TestStatevectorKernel::test_statevector_cache": "it looks into a private cache.",
    "TestStatevectorKernel::test_pickling": "it calls private parts of theirs, and compares dictionaries with them.",
    "TestStatevectorKernelDuplicates": "it counts calls of a private method, one for each pair.",
    "test_incomplete_binding": (
        "it assigns some of the training values and expects an error when the kernel is evaluated; ours is raised when "
        "they are assigned."
    ),
}
"""The part of a test's address that says which, and why it cannot pass."""


def swap(kind: str) -> None:
    """Put ours in the place of theirs."""
    _swap_primitives()
    estimator, sampler = _gradients(kind)
    gradients = {"ParamShiftEstimatorGradient": estimator, "ParamShiftSamplerGradient": sampler}
    for name, ours in (gradients | qml_kernels.REPLACED).items():
        replaced = getattr(theirs if name in gradients else their_kernels, name)
        for module in list(sys.modules.values()):
            if module.__name__.startswith("qiskit_machine_learning") and getattr(module, name, None) is replaced:
                setattr(module, name, ours)


def _swap_primitives() -> None:
    def estimate(self: Any, pubs: Any, *, precision: float | None = None) -> Any:
        own = 0.0 if getattr(self, "_exact_mode", False) else self.default_precision
        pubs = [tuple(pub)[:3] for pub in pubs] if getattr(self, "_exact_mode", False) else pubs
        wanted = own if getattr(self, "_exact_mode", False) or precision is None else precision
        return ExactEstimator(default_precision=own, seed=self.seed).run(pubs, precision=wanted)

    for estimator in (StatevectorEstimator, primitives.QMLEstimator):
        estimator.run = estimate
    exact = primitives.QMLSampler.run

    def sample(self: Any, pubs: Any, *, shots: int | None = None) -> Any:
        return ExactSampler(default_shots=self.default_shots, seed=self.seed).run(pubs, shots=shots)

    def sample_qml(self: Any, pubs: Any, *, shots: int | None = None) -> Any:
        return exact(self, pubs, shots=shots) if self._exact_mode else sample(self, pubs, shots=shots)

    StatevectorSampler.run = sample
    primitives.QMLSampler.run = sample_qml


def _gradients(kind: str) -> tuple[type, type]:
    """Plug-ins that take what theirs take."""
    estimator_kind = {"adjoint": AdjointEstimatorGradient, "shift": ShiftEstimatorGradient}[kind]
    sampler_kind = {"adjoint": AdjointSamplerGradient, "shift": ShiftSamplerGradient}[kind]

    class EstimatorGradient(ShiftEstimatorGradient):
        def __new__(cls, estimator: Any, options: Any = None, pass_manager: Any = None, **others: Any) -> Any:
            if _is_exact(estimator):
                return estimator_kind()
            return ShiftEstimatorGradient(
                connection=Connection.from_primitives(estimator=estimator, pass_manager=pass_manager)
            )

    class SamplerGradient(ShiftSamplerGradient):
        def __new__(cls, sampler: Any, options: Any = None, pass_manager: Any = None, **others: Any) -> Any:
            if _is_exact(sampler):
                return sampler_kind()
            return ShiftSamplerGradient(
                connection=Connection.from_primitives(sampler=sampler, pass_manager=pass_manager)
            )

    EstimatorGradient.__init__ = lambda self, *given, **others: None  # type: ignore[method-assign]
    SamplerGradient.__init__ = lambda self, *given, **others: None  # type: ignore[method-assign]
    return EstimatorGradient, SamplerGradient


def _is_exact(primitive: Any) -> bool:
    if isinstance(primitive, (primitives.QMLEstimator, primitives.QMLSampler)):
        return bool(primitive._exact_mode)
    return type(primitive) is StatevectorEstimator and primitive.default_precision == 0


class Outcomes:
    """Takes note of what passed."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: list[str] = []
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.skipped:
            self.skipped.append(report.nodeid)
        elif report.when == "call":
            self.passed.append(report.nodeid)


def main(checkout: str, kind: str = "adjoint", *chosen: str) -> int:
    """Run the suites; return the exit code."""
    os.chdir(checkout)
    sys.path.insert(0, checkout)
    swap(kind)
    outcomes = Outcomes()
    warnings.simplefilter("ignore")
    arguments = ["-q", "-p", "no:cacheprovider", "-W", "ignore", "--tb=short", *(chosen or FOLDERS)]
    code = pytest.main(arguments, plugins=[outcomes])
    listed = [one for one in outcomes.failed if any(part in one for part in CANNOT_PASS)]
    others = [one for one in outcomes.failed if one not in listed]
    print(
        f"{kind}: {len(outcomes.passed)} passed, {len(outcomes.skipped)} skipped, {len(listed)} cannot pass, "
        f"{len(others)} failed"
    )
    for one in others:
        print(f"FAILED {one}")
    return int(bool(others) or code not in (0, 1))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
