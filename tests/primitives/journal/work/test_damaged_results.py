"""Stored results that are damaged or crafted: an error with a name, never other data, never more memory."""

import copy
import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest

from qiskit_qml_ext.primitives.journal.work.codec import BadResultError, UnitResult, decode, encode

SAMPLES = [
    {"rows": 3, "shape": [3], "shots": 10, "registers": {"meas": 2, "c": 9}},
    {"rows": 1, "shape": [], "shots": 7, "registers": {"meas": 4}},
]
VALUES = [{"shape": [2, 3]}, {"shape": []}]


def stored(kind):
    rng = np.random.default_rng(0)
    if kind == "estimator":
        pubs = [{"evs": rng.normal(size=(2, 3)), "stds": rng.normal(size=(2, 3)) ** 2}, {"evs": np.array(1.0)}]
        pubs[1]["stds"] = np.array(0.5)
        return UnitResult(pubs, [{"shots": 1}, {}]), VALUES
    first = {"meas": rng.integers(0, 4, (3, 10, 1), np.uint8), "c": rng.integers(0, 255, (3, 10, 2), np.uint8)}
    return UnitResult([first, {"meas": rng.integers(0, 16, (1, 7, 1), np.uint8)}], [{}, {"note": "ä"}]), SAMPLES


def same(one, other):
    return one.metadata == other.metadata and all(
        sorted(mine) == sorted(theirs) and all(np.array_equal(mine[name], theirs[name]) for name in mine)
        for mine, theirs in zip(one.pubs, other.pubs, strict=True)
    )


@pytest.mark.parametrize("kind", ["sampler", "estimator"])
def test_what_is_stored_comes_back_and_fits_its_layout(kind):
    result, layout = stored(kind)
    assert same(decode(*encode(result, layout), layout), result)
    in_columns = UnitResult([{"evs": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "stds": np.ones((2, 3))}], [{}])
    back = decode(*encode(in_columns, VALUES[:1]), VALUES[:1])
    assert np.array_equal(back.pubs[0]["evs"], np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("kind", ["sampler", "estimator"])
def test_random_damage_is_noticed_or_harmless(kind):
    result, layout = stored(kind)
    data, metadata = encode(result, layout)
    rng = np.random.default_rng(11)
    noticed = 0
    for number in range(1000):
        damaged = bytearray(data)
        if number % 3 == 0:
            damaged[rng.integers(len(data))] ^= 1 << rng.integers(8)
        elif number % 3 == 1:
            start = rng.integers(len(data))
            damaged[start : start + 64] = rng.bytes(min(64, len(data) - start))
        else:
            damaged = damaged[: rng.integers(len(data))]
        try:
            back = decode(bytes(damaged), metadata, layout)
        except BadResultError:
            noticed += 1
        else:  # bits of the archive's directory that nobody reads, such as a time
            assert same(back, result)
    assert noticed > 800


@pytest.mark.parametrize("kind", ["sampler", "estimator"])
def test_metadata_of_any_form_end_in_one_error(kind):
    result, layout = stored(kind)
    data, metadata = encode(result, layout)
    text = json.dumps(metadata)
    rng = np.random.default_rng(12)
    strange = [None, -1, 10**30, 1.5, "x", [], {}, [[]], True, {"array": "p0a0"}, [10**12, 10**12, 1]]
    for number in range(1000):
        if number % 2:
            crafted = copy.deepcopy(metadata)
            place = crafted
            while isinstance(place, (dict, list)) and place:
                keys = list(place) if isinstance(place, dict) else list(range(len(place)))
                key = keys[rng.integers(len(keys))]
                if rng.random() < 0.3 or not isinstance(place[key], (dict, list)) or not place[key]:
                    place[key] = strange[rng.integers(len(strange))]
                    break
                place = place[key]
        else:
            position = rng.integers(len(text))
            try:
                crafted = json.loads(text[:position] + chr(rng.integers(32, 127)) + text[position + 1 :])
            except ValueError:
                continue
        try:
            back = decode(data, crafted, layout)
        except BadResultError:
            continue
        assert all(  # the numbers are the unit's; what the service said about a PUB may differ
            np.array_equal(mine[name], theirs[name])
            for mine, theirs in zip(back.pubs, result.pubs, strict=True)
            for name in theirs
        )


def npz(members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npy(header, body=b""):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + body


def about(shape, bits=None):
    return {"names": [{"evs": {"array": "p0a0", "bits": bits, "shape": shape}}], "pubs": [{}]}


def crafted():
    zeros = {"descr": "<f8", "fortran_order": False, "shape": (40_000_000,)}
    huge = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    objects = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    negative = {"descr": "<f8", "fortran_order": False, "shape": (-1, -1)}
    deep = b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"[" * 9000
    packed = {"descr": "|u1", "fortran_order": False, "shape": (1, 1)}
    return {
        "bomb": (npz({"p0a0.npy": npy(zeros, bytes(320_000_000))}, zipfile.ZIP_DEFLATED), about([40_000_000])),
        "header that promises more": (npz({"p0a0.npy": npy(huge, bytes(8))}), about([10**12])),
        "objects": (npz({"p0a0.npy": npy(objects, b"cos\nsystem\n(S'true'\ntR.")}), about([1])),
        "negative sizes": (npz({"p0a0.npy": npy(negative, bytes(8))}), about([-1, -1])),
        "nested header": (npz({"p0a0.npy": deep}), about([1])),
        "shots that are not there": (npz({"p0a0.npy": npy(packed, b"\0")}), about([1, 10**12, 1], bits=1)),
        "another name": (npz({"../../evil.npy": npy(zeros)}), about([0])),
        "one more array": (npz({"p0a0.npy": b"", "p0a1.npy": b""}), about([0])),
        "no archive": (b"", about([0])),
    }


@pytest.mark.parametrize("name", list(crafted()))
def test_crafted_results_are_refused_before_they_take_memory(name):
    data, metadata = crafted()[name]
    tracemalloc.start()
    try:
        with pytest.raises(BadResultError):
            decode(data, metadata)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000 + 4 * len(data)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "layout",
    [
        SAMPLES[:1],
        [{**SAMPLES[0], "rows": 4}, SAMPLES[1]],
        [{**SAMPLES[0], "shots": 11}, SAMPLES[1]],
        [{**SAMPLES[0], "shots": 9}, SAMPLES[1]],
        [{**SAMPLES[0], "registers": {"meas": 2}}, SAMPLES[1]],
        [{**SAMPLES[0], "registers": {"meas": 2, "c": 17}}, SAMPLES[1]],
        VALUES,
        [{}, {}],
        [None, 1],
    ],
)
def test_a_result_of_another_unit_is_refused(layout):
    result, own = stored("sampler")
    with pytest.raises(BadResultError):
        decode(*encode(result, own), layout)


def test_more_shots_are_taken_where_the_service_may_round_up():
    result, layout = stored("sampler")
    fewer = [{**entry, "shots": entry["shots"] - 1, "more_shots": True} for entry in layout]
    assert same(decode(*encode(result, layout), fewer), result)
