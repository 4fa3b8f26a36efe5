"""What the entries of a kernel depend on, as a key: equal kernels have equal keys, others never share one."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.caching.learned_state import has_settings, learned_state
from qiskit_qml_ext.kernels.encoded import EncodedKernel
from qiskit_qml_ext.kernels.training.with_trained_map import KernelWithTrainedMap
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.journal.service.services import service_for
from qiskit_qml_ext.primitives.journal.work.identity import options_object
from qiskit_qml_ext.primitives.journal.work.options import options_of
from qiskit_qml_ext.primitives.journal.work.stable import class_of, digest_of, stable
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS

_FORMULA = 3
"""Goes into every key: raise it when what counts as content, or how it is written, changes."""
_WHERE = ("connection", "sampler", "pass_manager")  # circuits run; written together
_AFTERWARDS = ("psd_repair",)  # of the kernel itself changes no entry as it was measured; that of a part does
_MAP = ("feature_map", "training_parameters", "training_values")  # written as the circuit that they make


def entries_key(kernel: QuantumKernel, num_features: int, *, in_every_process: bool) -> str:
    """Return the key of a kernel's entries, 32 hexadecimal characters.

    Args:
        kernel: The kernel.
        num_features: The number of features of its samples.
        in_every_process: Whether the key is the same in every process. Then what runs the circuits must be something
            that can be written down; otherwise it is known by being the same connection or sampler.

    Raises:
        ValueError: If a setting has no form that is the same for equal things, such as a lambda.
    """
    written = _Content(num_features, in_every_process).of_kernel(kernel, left_out=_AFTERWARDS)
    return digest_of([_FORMULA, num_features, written])


@dataclass(frozen=True)
class _Content:
    """Writes what decides entries: settings, what was learned, and what runs circuits, of a kernel and its parts."""

    num_features: int
    """The number of features of the samples."""
    in_every_process: bool
    """Whether what is written is the same in every process."""

    def of_kernel(self, kernel: Any, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the content of an object with settings, without some of these."""
        settings = kernel.get_params(deep=False)
        written: dict[str, Any] = {}
        if isinstance(kernel, EncodedKernel) and "feature_map" in settings:
            written["circuit"] = kernel._encoding(self.num_features).timed_key
            in_circuit = _MAP[:1] if isinstance(kernel, KernelWithTrainedMap) else _MAP  # its weights stay free there
            settings = {name: value for name, value in settings.items() if name not in in_circuit}
        if isinstance(kernel, QuantumKernel) and any(name in settings for name in _WHERE):
            written["runs"] = _runs(kernel, self.in_every_process)
            left_out += _WHERE
        for name, value in {**settings, **learned_state(kernel)}.items():
            if name not in left_out:
                written[name] = self._of(value, f"{type(kernel).__name__}.{name}")
        return {"kernel": class_of(kernel), "settings": written}

    def _of(self, value: Any, where: str) -> Any:
        if has_settings(value):
            return self.of_kernel(value)
        if isinstance(value, FeatureMap):
            return stable(value.build(self.num_features), where)
        if isinstance(value, (Connection, BaseSamplerV2)):
            raise ValueError(
                f"{where} is a {type(value).__name__} under a name that is not known. Call it connection or sampler."
            )
        if isinstance(value, (list, tuple)):
            return [self._of(item, where) for item in value]
        return stable(value, where)


def _runs(kernel: QuantumKernel, in_every_process: bool) -> Any:
    """Return what runs the circuits."""
    if getattr(kernel, "connection", None) is None and getattr(kernel, "sampler", None) is None:
        return "the default"
    connection = kernel._connection()
    settings = stable(connection._settings, "The connection's settings")
    if not in_every_process:  # views of a connection share its results, but may have another seed
        token = connection.results.once("who remembers entries", "token", lambda: uuid4().hex)
        return [token, settings, None if kernel.sampler is None else _options(kernel.sampler)]
    target = connection.target
    if connection.is_exact:
        return {"class": class_of(target), "dtype": connection.dtype, "settings": settings}
    sampler = target.without_mode().sampler(connection.shots or DEFAULT_SHOTS, None)
    service = service_for(sampler)
    manager = getattr(kernel, "pass_manager", None)
    passes = None if manager is None else stable(manager, "pass_manager")
    written = {"target": service.target, "options": service.options, "default": service.default}
    return {"class": class_of(target), **written, "settings": settings, "passes": passes}


def _options(sampler: BaseSamplerV2) -> Any:
    """Return what a sampler of the user's is set to now, which may change although it stays the same object."""
    options = options_object(sampler)
    written = None if options is None else stable(options_of(options), "The sampler's options")
    return [written, getattr(sampler, "default_shots", None)]
