"""Results as bytes, and what a result must be like before it is believed."""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray, PrimitiveResult

Arrays = dict[str, NDArray[Any]]


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


def decode(data: bytes, metadata: dict[str, Any]) -> UnitResult:
    """Read what :func:`encode` wrote.

    Raises:
        BadResultError: If the bytes are damaged.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            pubs = [
                {
                    name: _unpacked(stored[entry["array"]], entry["bits"], tuple(entry["shape"]))
                    if entry["bits"] is not None
                    else stored[entry["array"]]
                    for name, entry in described.items()
                }
                for described in metadata["names"]
            ]
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise BadResultError(f"A stored result cannot be read: {error}") from error
    return UnitResult(pubs, metadata["pubs"])


def _pubs(result: object, layout: Sequence[dict[str, Any]]) -> list[Any]:
    if not isinstance(result, PrimitiveResult):
        raise BadResultError(f"The client returned a {type(result).__name__} instead of a result.")
    if len(result) != len(layout):
        raise BadResultError(f"The result has {len(result)} PUBs, but {len(layout)} were asked for.")
    return list(result)


def _per_byte(num_bits: int) -> int:
    """Return how many shots of a narrow register fit into a byte."""
    return 8 // num_bits if 0 < num_bits <= 4 else 1


def _packed(array: NDArray[np.uint8], num_bits: int) -> NDArray[np.uint8]:
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


def _unpacked(array: NDArray[np.uint8], num_bits: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    per_byte = _per_byte(num_bits)
    if per_byte == 1:
        return array.reshape(shape)
    rows, shots, _ = shape
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
