"""A diagnosis while it is being made."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from qiskit_qml_ext.diagnostics.diagnosis.price import Price
from qiskit_qml_ext.diagnostics.diagnosis.report import Advice, Finding, Level, Skipped
from qiskit_qml_ext.diagnostics.results.result import Result
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.primitives import RunPlan


@dataclass
class Draft:
    """What has been found so far."""

    deadline: float
    """When the time is over, by ``time.monotonic()``."""
    findings: list[Finding] = field(default_factory=list)
    """What was found."""
    advice: list[str] = field(default_factory=list)
    """What to do."""
    price: list[str] = field(default_factory=list)
    """What it costs, sentence by sentence."""
    plan: RunPlan | None = None
    """The jobs of one evaluation; None where nothing was planned."""
    skipped: list[str] = field(default_factory=list)
    """What was not done, and why."""
    evidence: dict[str, Result] = field(default_factory=dict)
    """The results behind the findings, by what they are."""

    def run(self, title: str, stage: Callable[[], Result]) -> Result | None:
        """Run a stage if there is time left, and keep its result; None if it was skipped or refuses the circuit."""
        if time.monotonic() > self.deadline:
            self.skip(title, "the time budget was used up.")
            return None
        try:
            result = stage()
        except QmlExtError as error:
            self.skip(title, str(error))
            return None
        self.evidence[title] = result
        return result

    def skip(self, title: str, reason: str) -> None:
        """Note why a stage was not done."""
        self.skipped.append(Skipped(f"{title}: {reason}", title))

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
