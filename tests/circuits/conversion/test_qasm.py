"""OpenQASM 2 and 3, as text and as files."""

from pathlib import Path

import numpy as np
import pytest
from circuits.conversion import packages
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.circuit import Parameter
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import Operator

from qiskit_qml_ext.circuits import from_qasm
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

BELL_2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0];\ncx q[0], q[1];\n'
HEAD_3 = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; '
BELL_3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[0];\ncx q[0], q[1];\n'


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


@pytest.mark.parametrize("text", [BELL_2, BELL_3, BELL_2.replace("\n", " "), BELL_3.replace("\n", " ")])
def test_text_becomes_a_circuit(text):
    np.testing.assert_array_equal(Operator(from_qasm(text)).data, Operator(bell()).data)


@pytest.mark.parametrize("text", [BELL_2, BELL_3])
@pytest.mark.parametrize("kind", [str, Path])
def test_path_becomes_a_circuit(tmp_path, text, kind):
    path = tmp_path / "bell.qasm"
    path.write_text(text, encoding="utf-8")
    assert from_qasm(kind(path)).count_ops() == {"h": 1, "cx": 1}


def test_comments_and_other_numbers_of_the_version_may_come_first():
    for text in (
        f"// OPENQASM 3.0;\n\n {BELL_2}",
        f"/* OPENQASM 2.0;\n */ {BELL_3}",
        BELL_2.replace("2.0", "2"),
        BELL_3.replace("3.0", "3"),
    ):
        assert from_qasm(text).count_ops() == {"h": 1, "cx": 1}


def test_what_qiskit_wrote_is_read_again():
    circuit = QuantumCircuit(3)
    circuit.rzz(0.3, 0, 1)
    circuit.sx(2)
    circuit.p(0.2, 0)
    circuit.cu(0.1, 0.2, 0.3, 0.4, 2, 0)
    circuit.ccx(2, 0, 1)
    for text in (qasm2.dumps(circuit), qasm3.dumps(circuit)):
        assert Operator(from_qasm(text)) == Operator(circuit)


def test_inputs_are_parameters_of_their_names_in_expressions_too():
    text = (
        'OPENQASM 3.0; include "stdgates.inc"; input float[64] x10; input angle x2; qubit q; '
        "rx(2 * x10 + pi) q; rz(x2) q; rx(x10) q;"
    )
    circuit = from_qasm(text)
    assert [one.name for one in circuit.parameters] == ["x10", "x2"]
    expected = QuantumCircuit(1)
    x10, x2 = Parameter("x10"), Parameter("x2")
    expected.rx(2 * x10 + np.pi, 0)
    expected.rz(x2, 0)
    expected.rx(x10, 0)
    values = [0.37, -1.2]
    difference = Operator(circuit.assign_parameters(values)).data - Operator(expected.assign_parameters(values)).data
    np.testing.assert_allclose(difference, 0, rtol=0, atol=1e-12)  # rounding


def test_feature_map_written_by_qiskit_keeps_its_parameters():
    circuit = zz_feature_map(2, reps=1)
    for index, parameter in enumerate(circuit.parameters):
        circuit = circuit.assign_parameters({parameter: Parameter(f"x_{index}")})
    again = from_qasm(qasm3.dumps(circuit))
    assert [one.name for one in again.parameters] == ["x_0", "x_1"]
    values = [0.3, -0.8]
    assert Operator(again.assign_parameters(values)) == Operator(circuit.assign_parameters(values))


def test_measurements_and_conditions_stay_in_the_circuit():
    text = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; creg c[1]; measure q -> c; if (c == 1) x q[0]; reset q;'
    assert set(from_qasm(text).count_ops()) == {"measure", "if_else", "reset"}


def test_files_are_included_from_beside_the_program(tmp_path, monkeypatch):
    (tmp_path / "mine.inc").write_text("gate mine a { x a; }", encoding="utf-8")
    text = 'OPENQASM 2.0; include "qelib1.inc"; include "mine.inc"; qreg q[1]; mine q[0];'
    (tmp_path / "program.qasm").write_text(text, encoding="utf-8")
    assert from_qasm(tmp_path / "program.qasm").count_ops() == {"mine": 1}
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsupportedCircuitError, match=r"mine\.inc"):
        from_qasm(text)  # a text, which may come from anywhere, reads no files


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("qreg q[1];", "begins with 'qreg q.*first statement must be its version"),
        ("OPENQASM 4.0;\nqubit q;", "OpenQASM 4; versions 2 and 3"),
        ("OPENQASM 2.0;\nqreg q[1];\nno_such_gate q[0];", "OpenQASM 2 program cannot be read.*3,0.*no_such_gate"),
        ("OPENQASM 3.0;\nqubit q;\nno_such_gate q;", "OpenQASM 3 program cannot be read.*no_such_gate"),
        ("OPENQASM 3.0;\nqubit q", "OpenQASM 3 program cannot be read"),
        ("OPENQASM 2.0;\n\x00", "OpenQASM 2 program cannot be read"),
        (
            f"{HEAD_3}for int i in [0:1] {{ h q[i]; }}",
            "OpenQASM 3 program cannot be.*TypeError.*loop over a range",
        ),
        (f"{HEAD_3}h q[5];", "OpenQASM 3 program cannot be read.*IndexError"),
        (f"{HEAD_3}rz(1/0) q[0];", "OpenQASM 3 program cannot be read.*ZeroDivisionError"),
        (f"{HEAD_3}U(1) q[0];", "OpenQASM 3 program cannot be read.*phi"),
        (f"{HEAD_3}rz({'(' * 2000}1{')' * 2000}) q[0];", "OpenQASM 3 program cannot be read.*RecursionError"),
        (" \n", "first statement must be its version"),
    ],
)
def test_programs_that_cannot_be_read_say_where_and_why(text, message):
    with pytest.raises(UnsupportedCircuitError, match=message):
        from_qasm(text)


def test_what_is_no_program_is_refused(tmp_path):
    with pytest.raises(TypeError, match="source must be the text of a program or a path, but 3"):
        from_qasm(3)
    with pytest.raises(FileNotFoundError, match=r"so it is the path of a file.*the text of a program.*no_such_file"):
        from_qasm(tmp_path / "no_such_file.qasm")
    with pytest.raises(FileNotFoundError, match=r"the text of a program.*hello"):
        from_qasm("hello")
    with pytest.raises(IsADirectoryError, match="path of a file"):
        from_qasm(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for source in (tmp_path / "bytes", "a\0b"):
        with pytest.raises(UnsupportedCircuitError, match="not the path of a text file"):
            from_qasm(source)
    with pytest.raises(UnsupportedCircuitError, match="first statement must be its version"):
        from_qasm("")


def test_missing_package_for_version_3_says_what_to_install(monkeypatch):
    packages.hide(monkeypatch, "qiskit_qasm3_import")
    with pytest.raises(ImportError, match=r'pip install "qiskit-qml-ext\[qasm3\]"'):
        from_qasm(BELL_3)
    assert from_qasm(BELL_2).num_qubits == 2


class Somewhere:
    """A path of another kind."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


def test_a_path_like_object_is_taken(tmp_path):
    (tmp_path / "bell.qasm").write_text(BELL_2, encoding="utf-8")
    assert from_qasm(Somewhere(tmp_path / "bell.qasm")).num_qubits == 2


def test_a_text_reads_no_file_by_its_full_path(tmp_path):
    (tmp_path / "secret").write_text("gate mine a { x a; }", encoding="utf-8")
    with pytest.raises(UnsupportedCircuitError):
        from_qasm(f'OPENQASM 2.0; include "{tmp_path}/secret"; qreg q[1]; mine q[0];')
