"""A diagnosis while it is being made."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from qiskit_qml_ext.diagnostics.diagnosis.findings import Advice, Finding, Level, Skipped
from qiskit_qml_ext.diagnostics.diagnosis.price import Price
from qiskit_qml_ext.diagnostics.results.result import Result
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.primitives import RunPlan

ResultT = TypeVar("ResultT", bound=Result)


@dataclass
class Draft:
    """What has been found so far."""

    deadline: float
    """When the time is over, by ``time.monotonic()``."""
    findings: list[Finding] = field(default_factory=list)
    """What was found."""
    advice: list[Advice] = field(default_factory=list)
    """What to do."""
    price: list[str] = field(default_factory=list)
    """What it costs, sentence by sentence."""
    plan: RunPlan | None = None
    """The jobs of one evaluation; None where nothing was planned."""
    skipped: list[Skipped] = field(default_factory=list)
    """What was not done, and why."""
    evidence: dict[str, Result] = field(default_factory=dict)
    """The results behind the findings, by the names of the functions that they come from."""
    titles: dict[str, str] = field(default_factory=dict)
    """Their headings, by the same names."""

    def run(self, key: str, title: str, measure: Callable[[], ResultT]) -> ResultT | None:
        """Measure something if there is time left, and keep the result; None if it was skipped or is refused."""
        if time.monotonic() > self.deadline:
            self.skip(key, f"{title}: the time budget was used up.")
            return None
        try:
            result = measure()
        except QmlExtError as error:
            self.skip(key, f"{title}: {error}")
            return None
        self.evidence[key], self.titles[key] = result, title
        return result

    def result(self, kind: type[ResultT]) -> ResultT | None:
        """Return the result of a kind, if there is one."""
        return next((result for result in self.evidence.values() if isinstance(result, kind)), None)

    def has_found(self, code: str) -> bool:
        """Whether there is a finding with this code."""
        return any(finding.code == code for finding in self.findings)

    def find(self, level: Level, code: str, sentence: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(level, sentence, code))

    def lead_with(self, level: Level, code: str, sentence: str) -> None:
        """Note a finding that stands before all others."""
        self.findings.insert(0, Finding(level, sentence, code))

    def advise(self, code: str, sentence: str) -> None:
        """Note what to do."""
        self.advice.append(Advice(sentence, code))

    def skip(self, key: str, sentence: str) -> None:
        """Note what is not done, and why."""
        self.skipped.append(Skipped(sentence, key))

    def add_price(self, price: Price) -> None:
        """Note what it takes on a backend."""
        self.price.extend(price.sentences)
        self.plan = price.plan
