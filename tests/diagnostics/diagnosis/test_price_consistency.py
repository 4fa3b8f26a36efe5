"""Within one report the same price has one value, and what is compared is what is printed."""

import json
import re

import numpy as np
import pytest
from qiskit.circuit.library import qaoa_ansatz
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.neural_networks import EstimatorQNN

from qiskit_qml_ext.circuits import AngleFeatureMap, HardwareEfficientAnsatz, RealAmplitudesAnsatz, ZZFeatureMap
from qiskit_qml_ext.diagnostics import diagnose
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.kernels.plan import advise, shots_to_tell_apart
from qiskit_qml_ext.primitives import RunPlan, connect
from qiskit_qml_ext.primitives.targets import fake_backend
from tests.diagnostics.families import layered_circuit

_NUMBER = r"(?:at most )?([\d,]+)"


def number(text: str) -> int:
    return int(text.replace(",", ""))


def found_in(pattern: str, text: str) -> set[tuple[int, ...]]:
    matches = re.findall(pattern, " ".join(text.split()))
    return {tuple(number(part) for part in (match if isinstance(match, tuple) else (match,))) for match in matches}


def texts(report, folder) -> list[str]:
    """The report in all its forms, without markup."""
    page = re.sub(r"<(style|svg|script).*?</\1>|<[^>]+>", " ", report.to_html(), flags=re.DOTALL)
    data = json.loads(report.save(folder / "report.json").read_text(encoding="utf-8"))
    rows = "\n".join(
        f"{name} {value} {meaning}" for part in report.evidence.values() for name, value, meaning in part.rows()
    )
    return [report.summary(), page, "\n".join([*data["price"], *(one["sentence"] for one in data["findings"]), rows])]


def _network() -> EstimatorQNN:
    circuit = ZZFeatureMap().build(2).compose(RealAmplitudesAnsatz(reps=1).build(2))
    names = {p.name for p in ZZFeatureMap().build(2).parameters}
    inputs = [p for p in circuit.parameters if p.name in names]
    weights = [p for p in circuit.parameters if p.name not in names]
    observable = SparsePauliOp(["ZI", "XX"], [2.0, 0.5])
    return EstimatorQNN(circuit=circuit, observables=observable, input_params=inputs, weight_params=weights)


COST = SparsePauliOp.from_sparse_list([("ZZ", [a, b], 1.0) for a, b in [(0, 1), (1, 2), (2, 0)]], 3)
MIXED = SparsePauliOp(["ZII", "XXI", "IYY"], [0.01, 0.02, 0.005])
TRAINED = {
    "a template": lambda **k: diagnose(RealAmplitudesAnsatz(reps=1), num_qubits=3, **k),
    "shared angles": lambda **k: diagnose(qaoa_ansatz(COST, reps=2), observable=COST, **k),
    "three groups": lambda **k: diagnose(HardwareEfficientAnsatz(reps=1).build(3), observable=MIXED, **k),
    "a wide circuit": lambda **k: diagnose(layered_circuit(16, 2), **k | {"connection": connect("fake_sherbrooke")}),
    "a network": lambda **k: diagnose(_network(), np.random.default_rng(0).uniform(0, 1, (6, 2)), **k),
}


@pytest.mark.parametrize("name", TRAINED)
def test_a_gradient_has_one_price(name, tmp_path):
    report = TRAINED[name](connection=connect("fake_manila", seed=1), num_samples=12, max_seconds=0.5)
    for text in texts(report, tmp_path):
        circuits = found_in(rf"{_NUMBER} circuits of {_NUMBER} shots?[,:]", text)
        assert len(circuits) == 1, "without and on the backend"
        ((readings, shots),) = circuits
        assert found_in(rf"shots?, {_NUMBER} in all", text) == {(readings * shots,)}
        assert found_in(rf"shots?: {_NUMBER} executions", text) == {(readings * shots,)}
        said = found_in(rf"derivative is as large as its noise .{{1,60}} at {_NUMBER} shots", text)
        assert said <= {(shots,)}
        assert found_in(rf"Shots to see a derivative {_NUMBER} for each of the {_NUMBER} circuits", text) == {
            (shots, readings)
        }
        assert found_in(rf"circuits of a gradient, {_NUMBER} in all", text) == {(readings * shots,)}
        of_loss = found_in(rf"Shots to see the loss vary {_NUMBER}", text)
        assert found_in(rf"the loss varies by .{{1,30}}, as much as its noise at {_NUMBER} shots", text) <= of_loss
    assert (report.plan.circuits, report.plan.shots) == (readings, shots)


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("repeated", [False, True])
def test_a_kernel_has_one_price(noise, repeated, tmp_path):
    data = np.random.default_rng(1).uniform(0, 2, (16, 2))
    data = np.concatenate([data, data[:4]]) if repeated else data
    report = diagnose(
        FidelityKernel(ZZFeatureMap()),
        data,
        connection=connect("fake_manila", seed=1),
        noise=fake_backend("fake_manila") if noise else None,
    )
    shots = int(next(iter(report.evidence.values())).last.shots.to_tell_apart)
    for text in texts(report, tmp_path):
        circuits = found_in(rf"{_NUMBER} circuits of {_NUMBER} shots", text)
        assert circuits == {(120, shots)}, "16 different samples"
        assert found_in(rf"from {_NUMBER} shots on the error of an entry", text) == {(shots,)}
        assert found_in(rf"shots, {_NUMBER} in all", text) == {(120 * shots,)}
        factors = set(re.findall(r"it takes (?:at least )?([\d.]+)[^a-z]* times as many", " ".join(text.split())))
        assert len(factors) == noise
        estimated = re.findall(r"or ([\d,]+) shots with the reported errors", " ".join(text.split()))
        assert bool(estimated) != noise, "one price with noise: simulated, or else by the reported errors"
        if noise:
            (needed,) = found_in(rf"half of the spread, (?:about|at least) {_NUMBER}", text)
            assert needed[0] == pytest.approx(float(*factors) * shots, rel=0.06)  # both are rounded


@pytest.mark.parametrize("error_free", [None, 0.9, 0.3])
@pytest.mark.parametrize("shots", [1, 30, 65, 1000, 100_000])
@pytest.mark.parametrize(("mean", "variance"), [(0.5, 0.04), (0.02, 1e-4), (0.97, 2e-4), (0.25, 1e-30)])
def test_signal_and_noise_are_compared_as_they_are_printed(mean, variance, shots, error_free):
    plan = RunPlan("device", 10, shots, 10 * shots, 1, 0, 0, 1, None, None, 0.1, error_free)
    text = advise(plan, mean, variance).advice[-1]
    spread = float(re.search(r"vary by ([\d.e+-]+) from", text)[1])
    noise = float(re.search(r"shots is ([\d.e+-]+),", text)[1])
    rounding = 1 + 0.006
    if "at most half of that" in text:
        assert noise <= spread / 2 * rounding
    elif "more than half of that" in text:
        assert spread / 2 / rounding <= noise <= spread * rounding
    else:
        assert "larger than that" in text
        assert noise * rounding >= spread
    needed = shots_to_tell_apart(mean, variance, intact=error_free or 1.0)
    assert ("at most half of that" in text) == (shots >= needed)
    assert ("If each of the reported errors leaves nothing" in text) == (error_free is not None)
    said = re.search(r"or ([\d,]+) shots", text)
    assert said is None or number(said[1]) == needed > shots


def test_advice_on_entries_near_one_is_a_larger_bandwidth():
    plan = FidelityKernel(AngleFeatureMap(bandwidth=0.01), connection=connect("aer", shots=100)).plan(
        [[1.0], [2.0], [3]]
    )
    assert "a larger bandwidth" in plan.advice[-1]
