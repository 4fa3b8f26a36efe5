import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult, SamplerPubResult

from qiskit_qml_ext.primitives.journal.work.codec import (
    BadResultError,
    UnitResult,
    decode,
    encode,
    extract_samples,
    extract_values,
)


def samples(rows, shots, num_bits, seed=0):
    bits = np.random.default_rng(seed).integers(0, 2, (rows, shots, num_bits), dtype=bool)
    return BitArray.from_bool_array(bits)


def layout(rows, shots, num_bits):
    return [{"rows": rows, "shape": [rows], "shots": shots, "registers": {"meas": num_bits}}]


@given(rows=st.integers(0, 4), shots=st.integers(1, 20), num_bits=st.integers(1, 20), seed=st.integers(0, 100))
@settings(max_examples=100, deadline=None)
def test_bits_come_back_exactly(rows, shots, num_bits, seed):
    bits = samples(rows, shots, num_bits, seed)
    about = layout(rows, shots, num_bits)
    result = PrimitiveResult([SamplerPubResult(DataBin(meas=bits, shape=(rows,)), {"note": 1, "odd": object()})])
    taken = extract_samples(result, about)
    back = decode(*encode(taken, about))
    assert np.array_equal(back.pubs[0]["meas"], bits.array)
    assert back.metadata == [{"note": 1}]


def test_four_bits_take_half_a_byte():
    about = layout(100, 1000, 4)
    taken = UnitResult([{"meas": samples(100, 1000, 4).array}], [{}])
    assert len(encode(taken, about)[0]) < 51_000


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("truncated text", "returned a str"),
        (None, "returned a NoneType"),
        (PrimitiveResult([]), "has 0 PUBs, but 1"),
        (PrimitiveResult([SamplerPubResult(DataBin(shape=(3,)))]), "register meas is missing"),
        (PrimitiveResult([SamplerPubResult(DataBin(meas=samples(2, 10, 2), shape=(2,)))]), "shape"),
        (PrimitiveResult([SamplerPubResult(DataBin(meas=samples(3, 9, 2), shape=(3,)))]), "9 shots"),
        (PrimitiveResult([SamplerPubResult(DataBin(meas=samples(3, 11, 2), shape=(3,)))]), "11 shots"),
        (PrimitiveResult([SamplerPubResult(DataBin(meas=samples(3, 10, 3), shape=(3,)))]), "3 bits"),
    ],
)
def test_samples_that_were_not_asked_for_are_refused(result, message):
    with pytest.raises(BadResultError, match=message):
        extract_samples(result, layout(3, 10, 2))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (DataBin(stds=np.zeros(3), shape=(3,)), "nothing for evs"),
        (DataBin(evs=np.zeros(2), stds=np.zeros(2), shape=(2,)), r"\(2,\) for evs"),
        (DataBin(evs=np.zeros(3), stds=np.zeros((3, 2)), shape=(3,)), r"\(3, 2\) for stds"),
        (DataBin(evs=np.array([0, np.nan, 0]), stds=np.zeros(3), shape=(3,)), "not finite"),
    ],
)
def test_values_that_were_not_asked_for_are_refused(data, message):
    with pytest.raises(BadResultError, match=message):
        extract_values(PrimitiveResult([PubResult(data)]), [{"shape": [3]}])


def test_damaged_bytes_are_refused():
    data, about = encode(UnitResult([{"evs": np.arange(3.0)}], [{}]), [{"shape": [3]}])
    with pytest.raises(BadResultError, match="cannot be read"):
        decode(data[: len(data) // 2], about)


def test_nothing_is_pickled():
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        encode(UnitResult([{"evs": np.array([object()])}], [{}]), [{"shape": [1]}])
