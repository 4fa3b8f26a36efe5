"""Results as bytes, and what a result must be like before it is believed."""

import io
import json
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from qiskit.primitives.containers import BitArray, PrimitiveResult

from qiskit_qml_ext.arrays import AnyArray, ByteArray

Arrays = dict[str, AnyArray]


class BadResultError(ValueError):
    """What the service sent is not the result of this unit."""


@dataclass(frozen=True)
class UnitResult:
    """A finished unit's data.

    Attributes:
        pubs: For each PUB its arrays by name: bits as bytes of shape (rows, shots, bytes) or numbers.
        metadata: What the service said about each PUB, as far as JSON can hold it.
    """

    pubs: list[Arrays]
    metadata: list[dict[str, Any]] = field(default_factory=list)


def extract_samples(result: object, layout: Sequence[dict[str, Any]]) -> UnitResult:
    """Take the bits out of a sampler's result, after checking that it is what was asked for.

    Args:
        result: What the client returned.
        layout: For each PUB ``rows``, ``shape``, ``shots``, ``registers`` (name: number of bits), ``more_shots``
            (whether twirling may have rounded the shots up).

    Raises:
        BadResultError: If it is of another type, or a register, a shape or a number of shots is wrong.
    """
    pubs, metadata = [], []
    for expected, pub in zip(layout, _pubs(result, layout), strict=True):
        arrays: Arrays = {}
        for name, num_bits in expected["registers"].items():
            bits = getattr(pub.data, name, None)
            if isinstance(bits, np.ndarray):
                if bits.shape[: len(expected["shape"])] != tuple(expected["shape"]):
                    raise BadResultError(
                        f"The data of {name} have the shape {bits.shape}, not {expected['shape']} first."
                    )
                arrays[name] = bits.reshape(expected["rows"], *bits.shape[len(expected["shape"]) :])
                continue
            if not isinstance(bits, BitArray):
                raise BadResultError(f"The register {name} is missing in the result.")
            shots_fit = bits.num_shots == expected["shots"] or (
                expected.get("more_shots") and bits.num_shots > expected["shots"]
            )
            if bits.shape != tuple(expected["shape"]) or bits.num_bits != num_bits or not shots_fit:
                raise BadResultError(
                    f"The register {name} has the shape {bits.shape}, {bits.num_bits} bits and {bits.num_shots} shots; "
                    f"asked for were {tuple(expected['shape'])}, {num_bits} and {expected['shots']}."
                )
            arrays[name] = bits.array.reshape(expected["rows"], *bits.array.shape[-2:])
        pubs.append(arrays)
        metadata.append(_json_only(pub.metadata))
    return UnitResult(pubs, metadata)


def extract_values(result: object, layout: Sequence[dict[str, Any]]) -> UnitResult:
    """Take the expectation values out of an estimator's result, after checking that it is what was asked for.

    Args:
        result: What the client returned.
        layout: For each PUB its ``shape``.

    Raises:
        BadResultError: If it is of another type, or values or errors are missing, of the wrong shape or not finite.
    """
    pubs, metadata = [], []
    for expected, pub in zip(layout, _pubs(result, layout), strict=True):
        shape = tuple(expected["shape"])
        arrays: Arrays = {}
        for name, value in pub.data.items():
            array = np.asarray(value)
            if array.dtype.kind in "biufc":
                arrays[name] = array
        for name in ("evs", "stds"):
            if name not in arrays or arrays[name].shape != shape:
                got = arrays[name].shape if name in arrays else "nothing"
                raise BadResultError(f"The result has {got} for {name}, but the shape {shape} was asked for.")
        if not np.all(np.isfinite(arrays["evs"])):
            raise BadResultError("The result has expectation values that are not finite.")
        pubs.append(arrays)
        metadata.append(_json_only(pub.metadata))
    return UnitResult(pubs, metadata)


EXTRACT = {"sampler": extract_samples, "estimator": extract_values}


def encode(result: UnitResult, layout: Sequence[dict[str, Any]]) -> tuple[bytes, dict[str, Any]]:
    """Write a unit's arrays as npz bytes, and what else belongs to them as JSON values.

    Shots of up to 4 bits are packed, so that a shot of 4 bits takes half a byte.
    """
    arrays: Arrays = {}
    names: list[dict[str, Any]] = []
    for place, (pub, expected) in enumerate(zip(result.pubs, layout, strict=True)):
        described = {}
        for number, (name, array) in enumerate(pub.items()):
            stored = f"p{place}a{number}"
            num_bits = expected.get("registers", {}).get(name)
            packed = num_bits is not None and array.dtype == np.uint8
            described[name] = {"array": stored, "bits": num_bits if packed else None, "shape": list(array.shape)}
            arrays[stored] = _packed(array, num_bits) if packed else array
        names.append(described)
    if any(array.dtype.hasobject for array in arrays.values()):
        raise ValueError("Object arrays cannot be saved: only numbers are stored, and nothing is pickled.")
    buffer = io.BytesIO()
    # NumPy before 2.2 takes allow_pickle=False for one more array
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue(), {"names": names, "pubs": result.metadata}


def decode(data: bytes, metadata: dict[str, Any], layout: Sequence[dict[str, Any]] | None = None) -> UnitResult:
    """Read what :func:`encode` wrote; whatever the bytes and the metadata are, no more memory is taken than they allow.

    Args:
        data: The npz bytes.
        metadata: What :func:`encode` returned beside them.
        layout: The unit's layout; if given, the result must be one that the unit can have.

    Raises:
        BadResultError: If anything about them is not as :func:`encode` writes it or as the layout says.
    """
    try:
        pubs = _decoded(data, metadata)
        about = metadata["pubs"]
        if len(about) != len(pubs) or not all(isinstance(entry, dict) for entry in about):
            raise BadResultError("the metadata are not one mapping for each PUB")
        if layout is not None:
            _check_layout(pubs, layout)
    except Exception as error:  # damaged bytes and crafted metadata fail in every way there is
        words = str(error).splitlines()
        raise BadResultError(
            f"A stored result cannot be read: {words[0] if words else type(error).__name__}"
        ) from error
    return UnitResult(pubs, list(about))


def _decoded(data: bytes, metadata: dict[str, Any]) -> list[Arrays]:
    names = metadata["names"]
    asked = [entry["array"] for described in names for entry in described.values()]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        # :func:`encode` compresses nothing, so that what is read cannot be larger than what is stored.
        if any(info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size for info in members):
            raise BadResultError("an array is compressed")
        if sorted(info.filename for info in members) != sorted(f"{name}.npy" for name in asked):
            raise BadResultError("it does not hold the arrays that its metadata name, each once")
        if sum(info.file_size for info in members) > len(data):
            raise BadResultError("its arrays are larger than itself")
        return [
            {
                str(name): _unpacked(
                    _stored_array(archive.read(f"{entry['array']}.npy")), entry["bits"], tuple(entry["shape"])
                )
                for name, entry in described.items()
            }
            for described in names
        ]


def _stored_array(content: bytes) -> AnyArray:
    """Read an array of numbers in NumPy's format, whose header must say exactly how many bytes follow."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise BadResultError(f"an array has the unknown format {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(stream)
    if dtype.kind not in "biufc":
        raise BadResultError(f"an array is of {dtype}, not of numbers")
    body = content[stream.tell() :]
    if any(not isinstance(size, int) or size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != len(body):
        raise BadResultError(f"an array of the shape {shape} has {len(body)} bytes")
    array: AnyArray = np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if is_fortran else "C")
    return array.copy()


def _check_layout(pubs: Sequence[Arrays], layout: Sequence[dict[str, Any]]) -> None:
    """Check that arrays are what a unit of this layout can have; the other half of ``extract_…``."""
    if len(pubs) != len(layout):
        raise BadResultError(f"it has {len(pubs)} PUBs, but its unit has {len(layout)}")
    for arrays, expected in zip(pubs, layout, strict=True):
        if "registers" not in expected:
            for name in ("evs", "stds"):
                if name not in arrays or list(arrays[name].shape) != list(expected["shape"]):
                    raise BadResultError(f"its {name} are not of the shape {expected['shape']}")
            continue
        if sorted(arrays) != sorted(expected["registers"]):
            raise BadResultError(f"it has the registers {sorted(arrays)}, its unit {sorted(expected['registers'])}")
        for name, num_bits in expected["registers"].items():
            shape, is_bits = arrays[name].shape, arrays[name].dtype == np.uint8
            at_least = expected["shots"] if is_bits else 0  # shots that were averaged on the device leave no axis
            fits = len(shape) == 3 and shape[2] == -(-num_bits // 8) if is_bits else len(shape) >= 1
            if not fits or shape[0] != expected["rows"] or (is_bits and shape[1] < at_least):
                raise BadResultError(f"the register {name} has the shape {shape}")
            if is_bits and shape[1] > at_least and not expected.get("more_shots"):
                raise BadResultError(f"the register {name} has {shape[1]} shots, {at_least} were asked for")


def _pubs(result: object, layout: Sequence[dict[str, Any]]) -> list[Any]:
    if not isinstance(result, PrimitiveResult):
        raise BadResultError(f"The client returned a {type(result).__name__} instead of a result.")
    if len(result) != len(layout):
        raise BadResultError(f"The result has {len(result)} PUBs, but {len(layout)} were asked for.")
    return list(result)


def _per_byte(num_bits: int) -> int:
    """Return how many shots of a narrow register fit into a byte."""
    return 8 // num_bits if 0 < num_bits <= 4 else 1


def _packed(array: ByteArray, num_bits: int) -> ByteArray:
    """Pack several shots of up to 4 bits into a byte: (rows, shots, 1) becomes (rows, ceil(shots / per byte))."""
    per_byte = _per_byte(num_bits)
    if per_byte == 1:
        return array
    rows, shots, _ = array.shape
    packed = np.zeros((rows, -(-shots // per_byte)), dtype=np.uint8)
    for place in range(per_byte):
        part = array[:, place::per_byte, 0]
        packed[:, : part.shape[1]] |= part << np.uint8(num_bits * place)
    return packed


def _unpacked(array: AnyArray, num_bits: int | None, shape: tuple[int, ...]) -> AnyArray:
    """Undo :func:`_packed`; without a number of bits the array is as it was."""
    if num_bits is None:
        if array.shape != shape:
            raise BadResultError(f"an array has the shape {array.shape}, its metadata say {shape}")
        return array
    if array.dtype != np.uint8 or isinstance(num_bits, bool) or not isinstance(num_bits, int) or num_bits < 0:
        raise BadResultError(f"the bits of a register are {num_bits!r} in an array of {array.dtype}")
    per_byte = _per_byte(num_bits)
    if per_byte == 1:
        if array.shape != shape:
            raise BadResultError(f"a register has the shape {array.shape}, its metadata say {shape}")
        return array
    rows, shots, width = shape
    if any(type(size) is not int or size < 0 for size in shape) or width != 1:
        raise BadResultError(f"a register of {num_bits} bits has the shape {shape}")
    if array.shape != (rows, -(-shots // per_byte)):
        raise BadResultError(f"a register has the shape {array.shape}, its metadata say {shape}")
    whole = np.empty((rows, array.shape[1] * per_byte, 1), dtype=np.uint8)
    mask = np.uint8(2**num_bits - 1)
    for place in range(per_byte):
        whole[:, place::per_byte, 0] = (array >> np.uint8(num_bits * place)) & mask
    return np.ascontiguousarray(whole[:, :shots])


def _json_only(metadata: Any) -> dict[str, Any]:
    """Keep those entries of a result's metadata that JSON can hold."""
    kept = {}
    for name, value in dict(metadata or {}).items():
        if isinstance(value, np.generic):
            value = value.item()
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            continue
        kept[str(name)] = value
    return kept
