"""A stage is an object in a list: a new one is a section of the report everywhere, without another change."""

import json
import time
from dataclasses import dataclass

import matplotlib as mpl
import pytest

from qiskit_qml_ext import diagnostics
from qiskit_qml_ext.circuits import RealAmplitudesAnsatz
from qiskit_qml_ext.diagnostics import Result, Skipped, local_observable
from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement, run_stages
from qiskit_qml_ext.diagnostics.diagnosis.stages import CIRCUIT_STAGES, KERNEL_STAGES
from qiskit_qml_ext.diagnostics.diagnosis.stages.obstacles import TooWide
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

mpl.use("agg")

MEASUREMENTS = [stage for stage in (*CIRCUIT_STAGES, *KERNEL_STAGES) if isinstance(stage, Measurement)]


@dataclass(frozen=True, repr=False)
class Depth(Result):
    """How deep a circuit is."""

    depth: int
    """The depth."""

    def headline(self) -> str:
        return f"The circuit is {self.depth} gates deep."

    def rows(self) -> list[tuple[str, str, str]]:
        return [("Depth", str(self.depth), "gates one after another")]

    def plot(self, ax=None):
        ax.barh(["depth"], [self.depth])
        return ax


class HowDeep(Measurement[CircuitRequest, Depth]):
    key = "how_deep"
    heading = "Depth of the circuit"
    refused = False

    def run(self, request, draft):
        if self.refused:
            raise UnsupportedCircuitError("it has no depth.")
        return Depth(request.circuit.depth())

    def read(self, found, request, draft):
        draft.find("good", "has_a_depth", found.headline())

    def read_nothing(self, request, draft):
        draft.find("unknown", "depth_unknown", "Nobody knows how deep it is.")


def report_of(*stages, width=3, max_seconds=60.0):
    request = CircuitRequest("Test", RealAmplitudesAnsatz(reps=1), local_observable, width, 10, 0)
    return run_stages(stages, request, start=time.monotonic(), max_seconds=max_seconds)


def test_a_new_stage_is_a_section_of_text_page_and_data(tmp_path):
    report = report_of(HowDeep())
    assert report.headline() == f"The circuit is {RealAmplitudesAnsatz(reps=1).build(3).depth()} gates deep."
    assert "Evidence: Depth of the circuit\nThe circuit is" in report.summary()
    assert "<h3>Depth of the circuit</h3>" in report.to_html()
    assert "<summary>Depth of the circuit</summary>" in report._repr_html_()
    data = json.loads(report.save(tmp_path / "report.json").read_text(encoding="utf-8"))
    assert data["evidence"] == {"how_deep": {"depth": report.evidence["how_deep"].depth}}


def test_what_does_not_apply_is_said_where_there_is_something_to_say():
    class Never(HowDeep):
        def why_not(self, request, draft):
            return "Depth: not today."

    class Silent(HowDeep):
        def why_not(self, request, draft):
            return ""

    report = report_of(Never(), Silent())
    assert report.skipped == ("Depth: not today.",)
    assert report.skipped[0].key == "how_deep"
    assert not report.findings
    assert not report.evidence


def test_what_is_left_out_together_names_every_function_that_was_not_run():
    (skipped,) = report_of(TooWide(), width=13).skipped
    assert skipped.startswith("Causes, initial angles and descriptors: 13 qubits")
    keys = skipped.key.split(", ")
    assert keys == ["plateau_causes", "compare_initializations", "expressibility", "entangling_capability"]
    assert all(callable(getattr(diagnostics, key)) for key in keys)


@pytest.mark.parametrize("late", [False, True])
def test_what_is_refused_or_comes_too_late_is_said_and_read_as_nothing(late):
    stage = HowDeep()
    stage.refused = True
    report = report_of(stage, max_seconds=-1.0 if late else 60.0)
    assert report.skipped == (f"Depth of the circuit: {'the time budget was used up' if late else 'it has no depth'}.",)
    assert isinstance(report.skipped[0], Skipped)
    assert [finding.code for finding in report.findings] == ["depth_unknown"]


def test_evidence_has_the_names_of_the_functions_that_measured_it():
    keys = [stage.key for stage in MEASUREMENTS]
    assert len(keys) > 10
    assert len(set(keys)) == len(keys)
    assert all(callable(getattr(diagnostics, key)) for key in keys)
    assert len({stage.heading for stage in MEASUREMENTS}) == len(keys)
