"""Who runs the work: the content of a primitive and of its backend that is not in its options.

Include by default: the class, all attributes, the options and the reported errors of what runs on this machine are
content, but for what :mod:`exclusions` lists. A backend counts as a device of a service, whose calibrations are no
content, if it is IBM's or says by which provider it is reached; all others run on this machine, as far as can be known.
"""

from collections.abc import Hashable
from functools import cache
from typing import Any, cast

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.providers import BackendV2
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.journal.work import exclusions
from qiskit_qml_ext.primitives.journal.work.devices import gates_of, noise_digest, reported_content
from qiskit_qml_ext.primitives.journal.work.options import differences, leave_out, options_of
from qiskit_qml_ext.primitives.journal.work.stable import attributes_of, class_of, digest_of, name_of, stable

_IBM = "qiskit_ibm_runtime.ibm_backend"
_FAKES = ("qiskit.providers.fake_provider.", "qiskit_ibm_runtime.fake_provider.")


def backend_of(primitive: Any) -> Any:
    """Return a primitive's backend, ``None`` if it has none."""
    backend = getattr(primitive, "_backend", None) or getattr(primitive, "backend", None)
    return backend() if callable(backend) else backend


def device_behind(primitive: Any) -> DeviceTarget | None:
    """Return what a primitive's backend says of its qubits and gates, ``None`` if it has none."""
    device = getattr(backend_of(primitive), "target", None)
    return device if isinstance(device, DeviceTarget) else None


def options_object(primitive: Any) -> Any:
    """Return the object that holds a primitive's options, ``None`` if there is none."""
    options = getattr(primitive, "options", None)
    return getattr(primitive, "_options", None) if options is None else options


def primitive_content(primitive: Any, around: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Return what a local primitive is, but for its options: its class, its attributes and its backend.

    Args:
        primitive: The primitive.
        around: The primitives and backends that hold it, outermost first.
    """
    within = (*around, primitive)
    if hasattr(primitive, "journal_content"):
        return _said(primitive)
    excluded = {
        **exclusions.PRIMITIVE_ATTRIBUTES,
        **exclusions.excluded_by_module(exclusions.PRIMITIVE_ATTRIBUTES_BY_MODULE, type(primitive)),
    }
    backend, options = backend_of(primitive), options_object(primitive)
    held = {
        name: value
        for name, value in attributes_of(primitive).items()
        if name not in excluded
        and not exclusions.CREDENTIALS.search(name)
        and (value is None or (value is not backend and value is not options))  # these have places of their own
    }
    return {
        **class_of(primitive),
        "attributes": {
            name: _held(value, f"{type(primitive).__name__}.{name}", within) for name, value in held.items()
        },
        "backend": _held(backend, f"The backend of {type(primitive).__name__}", within),
    }


def local_options(primitive: Any) -> dict[str, Any]:
    """Return all that is content of a primitive that runs on this machine, short enough for the record.

    Returns:
        Its class, its options that are not defaults, those of Aer's simulator, and a digest of all the rest.
    """
    own = primitive_options(primitive)
    backend = backend_of(primitive)
    aer = backend_options(backend) if _comes_from(backend, "qiskit_aer.") else {}
    return {
        "primitive": type(primitive).__name__,
        **{name: value for name, value in own.items() if name != "primitive"},
        **({"aer": aer} if aer else {}),
        "content": digest_of([primitive_content(primitive), own]),
    }


def runtime_options(primitive: Any) -> dict[str, Any]:
    """Return all that is content of a primitive of IBM's service: its options that are not defaults.

    The device is known by its name. Its class is no content, so that work is found again by a newer client, whose
    primitives are of another generation and run the same.
    """
    calibration = getattr(primitive._backend, "calibration_id", None)
    chosen = {} if calibration is None else {"calibration_id": stable(calibration, "The backend's calibration_id")}
    return {**primitive_options(primitive), **chosen}


def twirls_here(primitive: Any) -> bool:
    """Tell whether a primitive twirls in the client, and so on this machine too: those of the newer generation."""
    return _comes_from(primitive, "qiskit_ibm_runtime.executor_")


def backend_content(backend: BackendV2, around: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Return what a backend is, as far as results depend on it.

    Args:
        backend: The backend.
        around: The primitives and backends that hold it, outermost first.
    """
    within = (*around, backend)
    if hasattr(backend, "journal_content"):
        return {**_said(backend), "name": str(backend.name)}
    where = f"The backend {getattr(backend, 'name', type(backend).__name__)}"
    name = str(getattr(backend, "name", ""))
    about = {"class": name_of(type(backend)), "name": name}
    options = backend_options(backend)
    if _comes_from(backend, _IBM):  # its circuits are written in its gates
        return {**about, "options": options, "calibration_id": getattr(backend, "calibration_id", None)}
    if is_device(backend):
        device = getattr(backend, "target", None)
        return {**about, "options": options, "gates": gates_of(device), "qubits": getattr(device, "num_qubits", None)}
    excluded = {
        **exclusions.BACKEND_ATTRIBUTES,
        **exclusions.excluded_by_module(exclusions.BACKEND_ATTRIBUTES_BY_MODULE, type(backend)),
    }
    held = {
        name: value
        for name, value in attributes_of(backend).items()
        if name not in excluded and not exclusions.CREDENTIALS.search(name)
    }
    reported = digest_of(_reported(backend))
    return {
        **class_of(backend),
        "name": name,
        "options": options,
        "reported": reported,
        "attributes": {name: _held(value, f"{where}, attribute {name},", within) for name, value in held.items()},
        **({} if _noise_is_reported(backend, reported) else {"noise": noise_digest(backend.options.noise_model)}),
    }


def _reported(backend: Any) -> dict[str, Any]:
    """Return what a backend reports of itself.

    A simulator of Aer's that stands for no device reports what the machine's memory allows; of its own it has nothing
    but the gates and couplings that somebody gave it.
    """
    if _comes_from(backend, "qiskit_aer.") and getattr(backend, "_target", None) is None:
        given = getattr(backend, "_options_configuration", {})
        names = ("basis_gates", "coupling_map")
        given = {name: given[name] for name in names if given.get(name) is not None}
        coupling = getattr(backend, "_coupling_map", None)
        return {"given": stable(given, "The simulator"), "coupling": stable(coupling, "The simulator's couplings")}
    return reported_content(getattr(backend, "target", None))


def backend_options(backend: Any) -> dict[str, Any]:
    """Return the options of a backend that are not its class's defaults, without those that change no result."""
    if getattr(backend, "options", None) is None:
        return {}
    excluded = exclusions.AER_OPTIONS if _comes_from(backend, "qiskit_aer.", *_FAKES) else exclusions.BACKEND_OPTIONS
    options = leave_out(options_of(backend.options), excluded)
    if _simulator_of(backend) is not None:
        options.pop("noise_model", None)  # put there by the first run; see _noise_is_reported
    return differences(options, leave_out(_backend_defaults(cast("Hashable", type(backend))), excluded))


@cache
def _backend_defaults(kind: Any) -> dict[str, Any]:
    try:
        return options_of(kind._default_options())
    except Exception:  # whatever the author of the backend raises: then all options count
        return {}


def is_device(backend: Any) -> bool:
    """Tell whether a backend is a device of a service, and not a simulator on this machine."""
    if _comes_from(backend, _IBM):
        return True
    if _comes_from(backend, "qiskit_aer.", "qiskit.providers.basic_provider.", *_FAKES):
        return False
    names = {kind.__name__ for kind in type(backend).__mro__}
    if names & {"BraketLocalBackend", "BraketAwsBackend"}:  # a device may come without a provider, a simulator with
        return "BraketAwsBackend" in names
    return isinstance(backend, BackendV2) and getattr(backend, "provider", None) is not None


def made_for(backend: Any) -> str:
    """Return what of a backend decides into which gates a circuit is transpiled, calibrations left out.

    On this machine the whole backend is in the key of the work, so nothing more is to be said.
    """
    return ",".join(gates_of(getattr(backend, "target", None))) if backend is not None and is_device(backend) else ""


def _said(thing: Any) -> dict[str, Any]:
    """Return the content of a class of somebody's that says it by itself, in a method ``journal_content()``."""
    content = stable(thing.journal_content(), f"{type(thing).__name__}.journal_content()")
    return {"class": name_of(type(thing)), "content": content}


def _held(value: Any, where: str, around: tuple[Any, ...]) -> Any:
    """Write an attribute; primitives and backends inside others by what they are, those around it by their place."""
    for steps, holder in enumerate(reversed(around)):
        if holder is value:
            return {"<circle>": steps + 1}
    if isinstance(value, (BaseSamplerV2, BaseEstimatorV2)):
        return {**primitive_content(value, around), "options": primitive_options(value)}
    if isinstance(value, BackendV2):
        return backend_content(value, around)
    return stable(value, where)


def primitive_options(primitive: Any) -> dict[str, Any]:
    """Return the options of a local primitive that are not its class's defaults, without those that change no result.

    Aer's own options are looked through too, wherever they stand.
    """
    options = options_object(primitive)
    if options is None or hasattr(primitive, "journal_content"):
        return {}
    excluded = dict(exclusions.LOCAL_OPTIONS)
    if _comes_from(primitive, "qiskit_ibm_runtime."):
        excluded = dict(exclusions.RUNTIME_OPTIONS)
    elif _comes_from(primitive, "qiskit_aer."):
        excluded = dict(exclusions.AER_PRIMITIVES_OPTIONS)
        for place in ("backend_options", "run_options"):
            excluded |= {f"{place}.{name}": reason for name, reason in exclusions.AER_OPTIONS.items()}
    defaults = {} if isinstance(options, dict) else _defaults_like(options)
    return differences(leave_out(options_of(options), excluded), leave_out(defaults, excluded))


def _defaults_like(options: Any) -> dict[str, Any]:
    try:
        return options_of(type(options)())
    except TypeError:  # a class whose options must be given
        return {}


def _comes_from(thing: Any, *modules: str) -> bool:
    """Tell whether an object's class, or one above it, is defined in one of these packages."""
    return any(kind.__module__.startswith(modules) for kind in type(thing).__mro__)


def _simulator_of(backend: Any) -> Any:
    """Return the simulator that a fake backend made for itself at its first run."""
    if not _comes_from(backend, *_FAKES):
        return None
    return getattr(backend, "_sim", None) or getattr(backend, "sim", None)


_KNOWN_NOISE: dict[tuple[str, str, str], bool] = {}


def _noise_is_reported(backend: Any, reported: str) -> bool:
    """Tell whether a fake backend that has run has the noise of its reported errors, or none of its own at all.

    At its first run it puts a noise model into its options. Were that content, the backend would be another before and
    after; were it not, errors that were changed after the first run would count, although they have no effect.
    """
    simulator = _simulator_of(backend)
    noise = None if simulator is None else getattr(backend.options, "noise_model", None)
    if noise is None:
        return True
    asked = name_of(type(backend)), reported, noise_digest(noise)
    if asked not in _KNOWN_NOISE:
        from qiskit_aer.noise import NoiseModel

        own = getattr(backend, "_get_noise_model_from_backend_v2", None)
        expected = NoiseModel.from_backend(backend) if own is None else own()
        _KNOWN_NOISE[asked] = noise_digest(noise) == noise_digest(expected)
    return _KNOWN_NOISE[asked]
