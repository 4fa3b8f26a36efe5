"""A diagnosis is a list of stages, run one after another on one request."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Generic, Protocol, TypeVar

from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.report import Diagnosis
from qiskit_qml_ext.diagnostics.results.result import Result


class Request(Protocol):
    """What is to be diagnosed, and how."""

    @property
    def title(self) -> str:
        """What the report is called."""

    @property
    def seed(self) -> int | None:
        """The seed of everything random."""


RequestT = TypeVar("RequestT", bound=Request)
RequestOfStage = TypeVar("RequestOfStage", bound=Request, contravariant=True)
ResultT = TypeVar("ResultT", bound=Result)


class Stage(Protocol[RequestOfStage]):
    """One step of a diagnosis."""

    def perform(self, request: RequestOfStage, draft: Draft) -> None:
        """Note in the draft what there is to say, or why there is nothing."""


class Measurement(ABC, Generic[RequestT, ResultT]):
    """A stage that measures something: its result is a section of the report.

    A new one is a class in a file of its own, and a line in the list of stages of its kind of request.
    """

    key: ClassVar[str]
    """The name of the function that measures it: the key of the result in ``Diagnosis.evidence``."""
    heading: ClassVar[str]
    """The heading of the section."""

    def title(self, request: RequestT) -> str:
        """Return the heading, which may name what was asked."""
        return self.heading

    def why_not(self, request: RequestT, draft: Draft) -> str | None:
        """Return why the stage does not apply, as the report says it; empty where that goes without saying.

        None if it applies.
        """
        return None

    @abstractmethod
    def run(self, request: RequestT, draft: Draft) -> ResultT:
        """Measure; what the package refuses is said in the report."""

    def read(self, result: ResultT, request: RequestT, draft: Draft) -> None:
        """Note findings, advice and prices that the result licenses."""

    def read_nothing(self, request: RequestT, draft: Draft) -> None:
        """Note what follows if the stage applies, but was refused or came too late."""

    def perform(self, request: RequestT, draft: Draft) -> None:
        """Run the stage if it applies, and read the result."""
        reason = self.why_not(request, draft)
        if reason is not None:
            if reason:
                draft.skip(self.key, reason)
            return
        result = draft.run(self.key, self.title(request), lambda: self.run(request, draft))
        if result is None:
            self.read_nothing(request, draft)
        else:
            self.read(result, request, draft)


def run_stages(stages: Iterable[Stage[RequestT]], request: RequestT, *, start: float, max_seconds: float) -> Diagnosis:
    """Run stages one after another, and return the report.

    Args:
        stages: The stages.
        request: What is asked.
        start: When the work began, by the monotonic clock.
        max_seconds: Seconds from then on after which no further measurement is started.
    """
    draft = Draft(start + max_seconds)
    for stage in stages:
        stage.perform(request, draft)
    return Diagnosis(
        title=request.title,
        findings=tuple(draft.findings),
        advice=tuple(dict.fromkeys(draft.advice)),
        price=tuple(draft.price),
        skipped=tuple(draft.skipped),
        seconds=time.monotonic() - start,
        seed=request.seed,
        evidence=draft.evidence,
        plan=draft.plan,
        titles=draft.titles,
    )
