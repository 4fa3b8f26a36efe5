"""The sections of the report, in the order of the page: a new one is a file here and a line in ``SECTIONS``."""

from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.sections.details import Details
from qiskit_qml_ext.evaluation.report.sections.hardware import Hardware
from qiskit_qml_ext.evaluation.report.sections.kernel import Kernel
from qiskit_qml_ext.evaluation.report.sections.models import Models
from qiskit_qml_ext.evaluation.report.sections.notes import Notes
from qiskit_qml_ext.evaluation.report.sections.run import Run
from qiskit_qml_ext.evaluation.report.sections.scores import Scores
from qiskit_qml_ext.evaluation.report.sections.subject import Subject
from qiskit_qml_ext.evaluation.report.sections.training import Training
from qiskit_qml_ext.evaluation.report.sections.twin import Twin
from qiskit_qml_ext.evaluation.report.sections.variational_verdict import VariationalVerdict
from qiskit_qml_ext.evaluation.report.sections.verdict import VerdictSection

SECTIONS: tuple[Section, ...] = (
    Subject(),
    VerdictSection(),
    Models(),
    Details(),
    Scores(),
    Kernel(),
    Twin(),
    Training(),
    Hardware(),
    VariationalVerdict(),
    Notes(),
    Run(),
)
