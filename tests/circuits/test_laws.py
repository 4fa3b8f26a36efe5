"""Laws that hold for every template: it builds, counts, copies, serialises, transpiles and runs."""

import inspect
import io
import math
import pickle
import re

import numpy as np
import pytest
from qiskit import qasm3, qpy, transpile
from qiskit.circuit.parametervector import ParameterVectorElement
from qiskit.quantum_info import Statevector
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from sklearn.base import clone

from qiskit_qml_ext.circuits import (
    ANSATZE,
    FEATURE_MAPS,
    FeatureMap,
    SimAnsatz,
    ansatz_by_name,
    data_and_weights,
    feature_map_by_name,
)
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from tests.circuits.catalogue import DEFAULT_ANSATZE, DEFAULT_MAPS, FEATURE_MAP_CASES, TEMPLATES, label, widths

every_template = pytest.mark.parametrize("template", TEMPLATES, ids=label)
every_map = pytest.mark.parametrize("template", FEATURE_MAP_CASES, ids=label)
every_default = pytest.mark.parametrize("template", [*DEFAULT_MAPS, *DEFAULT_ANSATZE], ids=label)


def random_values(template, circuit, rng, size=None):
    """Draw data from the map's declared range and weights from the circle, in the order of ``circuit.parameters``."""
    data, weights = data_and_weights(circuit) if isinstance(template, FeatureMap) else ([], circuit.parameters)
    low, high = getattr(template, "data_range", (0, 0))
    shape = () if size is None else (size,)
    x, theta = rng.uniform(low, high, (*shape, len(data))), rng.uniform(0, 2 * np.pi, (*shape, len(weights)))
    return np.concatenate([x, theta], axis=-1)


@every_template
def test_parameters_are_x_and_theta_in_the_order_of_action(template):
    for width in widths(template):
        circuit = template.build(width)
        names = {parameter.vector.name for parameter in circuit.parameters}
        assert all(isinstance(parameter, ParameterVectorElement) for parameter in circuit.parameters)
        assert names <= ({"x", "θ"} if isinstance(template, FeatureMap) else {"θ"})
        assert circuit.num_parameters == template.num_parameters(width) > 0
        if isinstance(template, FeatureMap):
            data, weights = data_and_weights(circuit)
            assert [parameter.index for parameter in data] == list(range(width))
            assert [parameter.vector.name for parameter in weights] == ["θ"] * template.num_weights(width)
        first_seen = []
        for instruction in circuit.data:
            for angle in instruction.operation.params:
                for parameter in sorted(getattr(angle, "parameters", ()), key=lambda p: p.index):
                    if parameter.vector.name == "θ" and parameter.index not in first_seen:
                        first_seen.append(parameter.index)
        assert first_seen == list(range(len(first_seen)))


@every_template
def test_counts_agree_with_the_circuit(template):
    for width in widths(template):
        circuit = template.build(width)
        expected = template.num_qubits(width) if isinstance(template, FeatureMap) else width
        assert circuit.num_qubits == expected
        assert template.two_qubit_gates(width) == sum(len(instruction.qubits) == 2 for instruction in circuit.data)
        assert all(len(instruction.qubits) <= 2 for instruction in circuit.data)
        assert template.depth(width) == circuit.depth()


def documented_counts(template):
    # getdoc: Python 3.13 takes the indentation off docstrings, earlier versions do not
    section = re.search(r"Counts:\n((?: {4,}.+\n)+)", inspect.getdoc(type(template)) + "\n")
    return dict(line.strip().split(": ", 1) for line in section.group(1).strip().splitlines())


def levels(n):
    while n > 1:
        yield n
        n = (n + 1) // 2


def evaluate(formula, template, width):
    """Evaluate a formula of a docstring; it comes from the package's own source."""
    names = {"ceil": math.ceil, "log2": math.log2, "min": min, "max": max, "sum": sum, "levels": levels}
    names["ring"] = lambda n: n if n > 2 else n - 1
    return eval(formula, {"__builtins__": {}}, {**names, **template.get_params(deep=False), "n": width})


@every_default
@pytest.mark.parametrize("reps", [None, 1, 2, 4])
def test_counts_agree_with_the_formulas_in_the_docstring(template, reps):
    counts = documented_counts(template)
    assert list(counts) == ["parameters", "two-qubit gates", "depth"]
    if reps is not None:
        if "reps" not in template.get_params(deep=False):
            return
        template = clone(template).set_params(reps=reps)
    for width in widths(template):
        actual = template.num_parameters(width), template.two_qubit_gates(width), template.depth(width)
        for value, (name, formula) in zip(actual, counts.items(), strict=True):
            if name == "depth" and reps is not None and "reps" not in formula:
                continue
            if formula.startswith("at most "):
                assert value <= evaluate(formula.removeprefix("at most "), template, width)
            else:
                assert value == evaluate(formula, template, width), (name, width)


@every_template
def test_settings_survive_clone_pickle_repr_and_set_params(template):
    copies = [clone(template), pickle.loads(pickle.dumps(template)), type(template)(**template.get_params(deep=False))]
    for copy in copies:
        assert copy == template
        assert copy is not template
        # Parameters of two builds have names in common, but not their identities: compare with numbers in their place.
        one, other = template.build(3), copy.build(3)
        assert [p.name for p in one.parameters] == [p.name for p in other.parameters]
        values = random_values(template, one, np.random.default_rng(1))
        assert one.assign_parameters(values) == other.assign_parameters(values)
    assert type(template).__name__ in repr(template)
    for name, value in template.get_params(deep=False).items():
        assert clone(template).set_params(**{name: value}) == template
        changed = clone(template).set_params(**{name: "another"})
        assert changed != template
    assert template != "a template"
    with pytest.raises(TypeError, match="unhashable"):
        hash(template)


@every_default
def test_docstring_names_its_references_and_has_an_example(template):
    doc = type(template).__doc__
    assert type(template).name in {**FEATURE_MAPS, **ANSATZE}
    assert "References:" in doc
    assert ">>>" in doc
    for identifier in type(template).reference.split(", "):
        assert re.fullmatch(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})", identifier)
        assert identifier in doc


@every_template
def test_qpy_returns_the_same_circuit(template):
    circuit = template.build(3)
    buffer = io.BytesIO()
    qpy.dump(circuit, buffer)
    buffer.seek(0)
    assert qpy.load(buffer)[0] == circuit


@every_template
def test_qasm3_returns_the_same_state(template):
    circuit = template.build(3)
    values = random_values(template, circuit, np.random.default_rng(3))
    bound = circuit.assign_parameters(values)
    again = qasm3.loads(qasm3.dumps(bound))
    # OpenQASM keeps angles to about 15 digits, and no global phase is promised.
    assert abs(Statevector(again).inner(Statevector(bound))) == pytest.approx(1, abs=1e-12)


@every_template
def test_transpiles_to_a_device(template):
    circuit = template.build(3)
    if circuit.num_qubits > 5:
        circuit = template.build(max(1, 5 * 3 // circuit.num_qubits))
    if circuit.num_qubits > 5:
        pytest.skip("wider than the device, whatever the width")
    backend = FakeManilaV2()
    isa = transpile(circuit, backend, optimization_level=1, seed_transpiler=1)
    assert {instruction.operation.name for instruction in isa.data} <= set(backend.operation_names)
    assert set(isa.parameters) == set(circuit.parameters)
    values = random_values(template, circuit, np.random.default_rng(4))
    expected = Statevector(circuit.assign_parameters(values)).probabilities()
    final = isa.layout.final_index_layout(filter_ancillas=True)
    bound = isa.assign_parameters(dict(zip(circuit.parameters, values, strict=True)))
    actual = Statevector(bound).probabilities(final)
    # The device's basis changes add some hundred roundings of 1e-16.
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


@every_template
def test_engine_returns_the_states_of_the_circuit(template):
    rng = np.random.default_rng(5)
    for width in widths(template):
        circuit = template.build(width)
        if circuit.num_qubits > 8:
            continue
        values = random_values(template, circuit, rng, size=2)
        expected = np.array([Statevector(circuit.assign_parameters(row)).data for row in values])
        np.testing.assert_allclose(statevectors(circuit, values), expected, rtol=0, atol=1e-12)


@every_template
def test_bad_widths_are_refused(template):
    for width, error in ((0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError), ("2", TypeError)):
        with pytest.raises(error, match=r"num_features|num_qubits"):
            template.build(width)
    if widths(template).start > 1:
        with pytest.raises(ValueError, match="num_qubits must be at least 2, but 1 came"):
            template.build(1)


@every_map
def test_map_without_entanglement_is_a_product(template):
    if template.name == "amplitude":
        with pytest.raises(UnsupportedCircuitError, match="AngleFeatureMap"):
            template.without_entanglement()
        return
    if getattr(template, "ansatz", None) == SimAnsatz(6):
        with pytest.raises(UnsupportedCircuitError, match="SimAnsatz has no version without entanglement"):
            template.without_entanglement()
        return
    product = template.without_entanglement()
    for width in (1, 4):
        circuit = product.build(width)
        assert product.two_qubit_gates(width) == 0
        assert all(len(instruction.qubits) == 1 for instruction in circuit.data)
        assert len(data_and_weights(circuit)[0]) == width


@every_map
def test_map_depends_on_every_feature(template):
    circuit = template.build(4)
    rng = np.random.default_rng(6)
    values = random_values(template, circuit, rng)
    state = Statevector(circuit.assign_parameters(values))
    for index in range(4):
        moved = values.copy()
        moved[index] *= 0.5
        fidelity = abs(state.inner(Statevector(circuit.assign_parameters(moved)))) ** 2
        assert fidelity < 1 - 1e-6, index


@every_map
def test_bandwidth_multiplies_the_data(template):
    if template.name == "reuploading-model":
        pytest.skip("the model's feature map has the bandwidth")
    if template.name == "amplitude" and template.padding == 0:
        pytest.skip("the norm of the sample is lost")
    width, rng = 3, np.random.default_rng(7)
    factors = rng.uniform(0.3, 0.9, width)
    plain = clone(template).set_params(bandwidth=1.0).build(width)
    scaled = clone(template).set_params(bandwidth=factors).build(width)
    values = random_values(template, plain, rng)
    multiplied = values.copy()
    multiplied[:width] *= factors
    expected = Statevector(plain.assign_parameters(multiplied))
    np.testing.assert_allclose(Statevector(scaled.assign_parameters(values)).data, expected.data, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="bandwidth has 2 values but the feature map encodes 3 features"):
        clone(template).set_params(bandwidth=[0.5, 0.5]).build(width)
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        clone(template).set_params(bandwidth=0.0).build(width)


@every_map
def test_data_range_lies_in_the_domain(template):
    low, high = template.data_range
    assert template.domain[0] <= low < high <= template.domain[1]


@every_template
def test_reps_are_checked(template):
    if "reps" in template.get_params(deep=False):
        for reps, error in ((0, ValueError), (1.5, TypeError)):
            with pytest.raises(error, match="reps must be"):
                clone(template).set_params(reps=reps).build(3)


def test_registries_find_templates_by_name():
    assert feature_map_by_name("high-dim") == FEATURE_MAPS["high-dim"]()
    assert ansatz_by_name("qcnn") == ANSATZE["qcnn"]()
    with pytest.raises(ValueError, match=r"no feature map 'nonsense'. Choose one of: amplitude, angle"):
        feature_map_by_name("nonsense")
    with pytest.raises(ValueError, match=r"no ansatz 'nonsense'. Choose one of: basic-entangler"):
        ansatz_by_name("nonsense")
