"""The form of a diagnosis as JSON has a version, by which programs that read it know what to expect."""

import json

from qiskit_qml_ext.diagnostics.diagnosis.report import Diagnosis
from qiskit_qml_ext.evaluation import json_schema


def test_the_document_of_a_diagnosis_says_the_version_of_its_form(tmp_path):
    empty = Diagnosis(title="Nothing", findings=(), advice=(), price=(), skipped=(), seconds=0.0, seed=0, evidence={})
    written = json.loads(empty.save(tmp_path / "empty.json").read_text(encoding="utf-8"))
    assert written == empty.to_dict()
    assert written["schema_version"] == "2.0"
    assert {"bandwidth", "fold", *written} == set(json_schema()["$defs"]["diagnosis"]["required"])
