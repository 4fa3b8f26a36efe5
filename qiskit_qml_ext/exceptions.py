"""The exceptions that callers may want to tell apart from plain ``ValueError`` and ``TypeError``."""

from qiskit.exceptions import QiskitError


class QmlExtError(Exception):
    """Base class of the package's own errors."""


class UnsupportedCircuitError(QmlExtError, QiskitError, ValueError):
    """A circuit contains something that the called function cannot treat; the message names the instruction.

    It is a ``QiskitError`` too, since that is what Qiskit's reference primitives raise.
    """

    def __str__(self) -> str:
        return str(self.message)  # QiskitError shows the message in quotation marks


class UnsupportedObservableError(QmlExtError, TypeError):
    """An observable is of a kind that the called function cannot treat; the message says which kinds it takes."""


class StateTooLargeError(QmlExtError, MemoryError):
    """Not even one state fits the memory budget; the message says how much would be needed."""


class AngleOutOfRangeError(QmlExtError, ValueError):
    """A gate of the device does not take an angle of the circuit; nothing was submitted."""


class JournalError(QmlExtError):
    """A journal cannot be used: locked, full, damaged, newer than this version, or not a journal at all."""


class JournalDamagedError(JournalError):
    """A journal's file is not what was written. What is sound in it can be kept: see ``qiskit-qml-ext jobs``."""


class JournalBehindError(JournalError):
    """The service has jobs of a journal that its file does not know: another copy is in use, or the file is older."""


class DatasetError(QmlExtError, ValueError):
    """A folder with an exported journal is not what was written, or not such a folder at all."""


class ReplayIncompleteError(QmlExtError, LookupError):
    """A replay was asked for results that its folder does not hold; the message names what it lacks."""


class CacheError(QmlExtError):
    """A file of remembered kernel entries cannot be used: locked, full, damaged, or not such a file."""


class RunIncompleteError(QmlExtError):
    """Some units of work could not be finished. What is finished is in the journal and is not run again.

    Attributes:
        done: How many units are finished.
        unfinished: A sentence for each unit that is not, with the service's reason.
    """

    def __init__(self, message: str, *, done: int = 0, unfinished: tuple[str, ...] = ()):
        super().__init__(message)
        self.done = done
        self.unfinished = unfinished


class BudgetExceededError(QmlExtError, ValueError):
    """The work would take more executions, processor time or money than the user allowed; nothing more was submitted.

    Limits on processor time may stop a journaled run in the middle: what is finished is in the journal.
    """


class CalibrationChangedWarning(UserWarning):
    """Parts of one result come from before and after a calibration of the device."""


class DuplicateExecutionWarning(UserWarning):
    """The service executed the same unit of work twice, although it was asked once."""


class JournalBehindWarning(UserWarning):
    """The service has jobs of a journal that its file does not know, and this run ended all the same."""


class ParameterOrderWarning(UserWarning):
    """Data are bound by position, but the parameters do not stand in the order that their numbers suggest."""


class ApproximateCircuitWarning(UserWarning):
    """A target runs an approximation of the circuit's exact unitary (a product formula)."""


class ImpreciseKernelWarning(UserWarning):
    """The settings and shots that were asked for give a kernel matrix with large errors; the message says how large."""


class WrongSimulationError(QmlExtError, RuntimeError):
    """A simulator on this machine contradicts exact results for a circuit; the message names the gates."""


class NoiseWithoutEffectWarning(UserWarning):
    """A noise model has errors on gates, none of which the circuit has."""


class OptionWithoutEffectWarning(UserWarning):
    """Options were given that the primitives which run have not."""


class IndefiniteKernelWarning(UserWarning):
    """A kernel matrix has negative eigenvalues, so that some of its directions say nothing and were left out."""


class PlateauWarning(UserWarning):
    """The gradient of a training is smaller than what shots or precision let one see."""


class DeadWeightsWarning(UserWarning):
    """Some weights of a model change none of its outputs."""


class NoGradientError(QmlExtError, ValueError):
    """No weight of a model changes any of its outputs, so there is nothing to train."""


class PlateauError(QmlExtError, RuntimeError):
    """A training was not begun, because its gradient is smaller than what shots or precision let one see.

    Attributes:
        report: What was found, a :class:`~qiskit_qml_ext.models.PlateauReport`.
    """

    def __init__(self, message: str, *, report: object = None):
        super().__init__(message)
        self.report = report
