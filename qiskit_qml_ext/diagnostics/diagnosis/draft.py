"""A diagnosis while it is being made."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from qiskit_qml_ext.diagnostics.diagnosis.price import Price
from qiskit_qml_ext.diagnostics.diagnosis.report import Advice, Finding, Level
from qiskit_qml_ext.diagnostics.results.result import Result
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.primitives import RunPlan


@dataclass
class Draft:
    """What has been found so far."""

    deadline: float
    findings: list[Finding] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    price: list[str] = field(default_factory=list)
    plan: RunPlan | None = None
    skipped: list[str] = field(default_factory=list)
    evidence: dict[str, Result] = field(default_factory=dict)

    def run(self, title: str, stage: Callable[[], Result]) -> Result | None:
        """Run a stage if there is time left, and keep its result; None if it was skipped or refuses the circuit."""
        if time.monotonic() > self.deadline:
            self.skipped.append(f"{title}: the time budget was used up.")
            return None
        try:
            result = stage()
        except QmlExtError as error:
            self.skipped.append(f"{title}: {error}")
            return None
        self.evidence[title] = result
        return result

    def find(self, level: Level, code: str, sentence: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(level, sentence, code))

    def advise(self, code: str, sentence: str) -> None:
        """Note what to do."""
        self.advice.append(Advice(sentence, code))

    def add_price(self, price: Price) -> None:
        """Note what it takes on a backend."""
        self.price.extend(price.sentences)
        self.plan = price.plan
