"""Backends of other providers and what is tested on each, as a table.

``python -m tests.primitives.providers > docs/providers.md`` writes it; ``test_providers.py`` tests what it says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from qiskit.circuit.library import real_amplitudes
from qiskit.quantum_info import SparsePauliOp
from scipy.stats import binom

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.gradients import jacobian
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Connection, Journal, connect

SHOTS = 300
DATA = np.random.default_rng(0).uniform(0, 2, (4, 2))
ANGLES = np.array([0.3, 1.1, 0.7, 2.0])


@dataclass(frozen=True)
class Provider:
    """A backend of another provider."""

    make: Callable[[], Any]
    """Makes it."""
    module: str
    """What must be installed."""
    tested: tuple[str, ...]
    """Names of ``FEATURES``."""
    remarks: str
    """What else is to be known."""


def _of(module: str, *path: str) -> Any:
    """Return what a module holds, without loading it before."""
    found = import_module(module)
    for name in path:
        found = getattr(found, name)
    return found


def kernel_of(connection: Connection) -> Any:
    return FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(DATA)


def estimates_of(connection: Connection) -> Any:
    return jacobian(real_amplitudes(2, reps=1), SparsePauliOp(["ZZ", "XI"]), ANGLES, connection=connection)


def _is_plausible(measured: Any, exact: Any) -> bool:
    """Tell whether fractions of ``SHOTS`` may be draws of exact probabilities; false once in 1e10 matrices."""
    counts = np.rint(measured * SHOTS)
    tails = np.minimum(binom.sf(counts - 1, SHOTS, exact), binom.cdf(counts, SHOTS, exact))
    return bool(np.all((tails > 1e-12) | (np.abs(measured - exact) < 1e-9)))


def _kernel(provider: Provider, folder: Any) -> None:
    measured = kernel_of(connect(provider.make(), shots=SHOTS, seed=1))
    assert _is_plausible(measured, FidelityKernel(ZZFeatureMap()).evaluate(DATA))


def _gradient(provider: Provider, folder: Any) -> None:
    """Hoeffding: the mean of n draws of ±1 is off by more than 7.6/√n with a probability below 1e-12."""
    shots = 2000
    exact = estimates_of(connect())
    measured = estimates_of(connect(provider.make(), shots=shots, seed=1))
    off = 2 * 7.6 / np.sqrt(shots)  # of a value, which has two terms, and of a derivative, half a difference of two
    assert np.all(np.abs(measured.values - exact.values) <= off)
    assert np.all(np.abs(measured.jacobian - exact.jacobian) <= off)


def _packing(provider: Provider, folder: Any) -> None:
    connection = connect(provider.make(), shots=SHOTS, seed=1, packing=2, packing_buffer=0)
    assert _is_plausible(kernel_of(connection), FidelityKernel(ZZFeatureMap()).evaluate(DATA))
    assert connection.usage.shots == 3 * SHOTS  # six pairs, two at a time


def _journal(provider: Provider, folder: Any) -> None:
    """What was asked for one after the other is all found again, by a program that has run nothing."""
    first = connect(provider.make(), shots=SHOTS, seed=1, journal=folder / "run.journal")
    matrix, estimate, other = kernel_of(first), estimates_of(first), kernel_of(first)
    again = connect(provider.make(), shots=SHOTS, seed=1, journal=folder / "run.journal")
    assert np.array_equal(kernel_of(again), matrix)
    assert np.array_equal(estimates_of(again).jacobian, estimate.jacobian)
    assert np.array_equal(kernel_of(again), other)
    assert again.usage.jobs == 0


def _replay(provider: Provider, folder: Any) -> None:
    first = connect(provider.make(), shots=SHOTS, seed=1, journal=folder / "run.journal")
    matrix, estimate = kernel_of(first), estimates_of(first)
    with Journal(folder / "run.journal") as journal:
        assert journal.export(folder / "data").is_complete
    replay = connect(replay=folder / "data")
    assert np.array_equal(kernel_of(replay), matrix)
    assert np.array_equal(estimates_of(replay).jacobian, estimate.jacobian)


def _seed(provider: Provider, folder: Any) -> None:
    one, same, other = (kernel_of(connect(provider.make(), shots=SHOTS, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def _plan(provider: Provider, folder: Any) -> None:
    connection = connect(provider.make(), shots=SHOTS, seed=1)
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection)
    isa = connection.isa_circuit(kernel.circuit(2))
    assert set(isa.count_ops()) <= {*provider.make().target.operation_names, "barrier"}
    plan, gates = kernel.plan(DATA), isa.num_nonlocal_gates()
    # R_ZZ of any angle, which IonQ and Braket have, in place of 6 CX; on a line of couplings no SWAP is needed
    assert plan.two_qubit_gates == gates <= 6
    assert provider.module != "qiskit_ionq" or gates == 3
    assert plan.executions == 6 * SHOTS
    assert plan.depth == isa.depth(lambda item: item.operation.name != "barrier")


FEATURES: dict[str, Callable[[Provider, Any], None]] = {
    "plan": _plan,
    "kernel": _kernel,
    "gradient": _gradient,
    "copies side by side": _packing,
    "journal": _journal,
    "replay": _replay,
    "seed": _seed,
}

PROVIDERS: dict[str, Provider] = {
    "Qiskit's `GenericBackendV2`": Provider(
        lambda: _of("qiskit.providers.fake_provider", "GenericBackendV2")(5, seed=1, noise_info=False),
        "qiskit",
        tuple(FEATURES),
        "couplings and gates are those that it was made with; a plan follows them",
    ),
    "Qiskit's `BasicSimulator`": Provider(
        lambda: _of("qiskit.providers.basic_provider", "BasicSimulator")(),
        "qiskit",
        tuple(name for name in FEATURES if name != "copies side by side"),
        "its qubits have no places, so that copies do not run side by side",
    ),
    "Braket's `BraketLocalBackend`": Provider(
        lambda: _of("qiskit_braket_provider", "BraketLocalBackend")(),
        "qiskit_braket_provider",
        tuple(name for name in FEATURES if name not in ("copies side by side", "seed")),
        "it takes no seed: without a journal or a replay, results differ from call to call",
    ),
    "AQT's `offline_simulator_no_noise`": Provider(
        lambda: _of("qiskit_aqt_provider._offline_sim.provider", "OfflineSimulatorProvider")().ideal(),
        "qiskit_aqt_provider",
        tuple(name for name in FEATURES if name != "copies side by side"),
        "gates R, RZ, RXX; at most 2,000 shots, more are refused by it. Version 2.0.1 asks for Qiskit up to 2.4.1, "
        "older than this package takes, so these were tested with it installed without its dependencies",
    ),
    "IonQ's `ionq_simulator`": Provider(
        lambda: _of("qiskit_ionq", "IonQProvider")("no token").get_backend("ionq_simulator"),
        "qiskit_ionq",
        ("plan",),
        "it runs on IonQ's servers, so that only circuits and plans are tested",
    ),
}


def table() -> str:
    """Return the page."""
    lines = [
        "# Backends of other providers",
        "",
        "Any `BackendV2` goes to `connect(backend)` and runs through Qiskit's `BackendSamplerV2` and",
        "`BackendEstimatorV2`. This is what the tests hold each of them to; kernels and gradients are compared with",
        "exact results. Where a cell is empty nothing is tested; the remarks say why. Batches and sessions are IBM's",
        "only. The page is written by `python -m tests.primitives.providers`.",
        "",
        f"| backend | {' | '.join(FEATURES)} | remarks |",
        f"|---|{'---|' * (len(FEATURES) + 1)}",
    ]
    for name, provider in PROVIDERS.items():
        cells = ["yes" if feature in provider.tested else "" for feature in FEATURES]
        lines.append(f"| {name} | {' | '.join(cells)} | {provider.remarks} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
