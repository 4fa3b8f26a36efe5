"""Random damage and made-up files: right results, work done again, or a sentence; never another unit's data."""

import random
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from functools import cache

import pytest

from qiskit_qml_ext.exceptions import JournalDamagedError, JournalError, RunIncompleteError
from qiskit_qml_ext.primitives.journal import check_journal, repair_journal
from tests.primitives.journal.crafted import CRAFTED, craft
from tests.primitives.journal.damage import put, run_program

PAGE = 4096


@cache
def used_bytes(data):
    return [place for place, byte in enumerate(data) if byte]


def flipped(data, rng):
    """Flip one bit, half of the time where something is written."""
    place = rng.randrange(len(data)) if rng.random() < 0.5 else rng.choice(used_bytes(data))
    damaged = bytearray(data)
    damaged[place] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def struck(data, rng):
    """Zero, overwrite, exchange or cut off whole blocks."""
    damaged = bytearray(data)
    start, size = rng.randrange(0, len(data), 512), rng.choice([512, PAGE, 2 * PAGE])
    length = len(damaged[start : start + size])
    how = rng.choice(["zeros", "random", "exchanged", "cut"])
    if how == "zeros":
        damaged[start : start + length] = bytes(length)
    elif how == "random":
        damaged[start : start + length] = rng.randbytes(length)
    elif how == "exchanged":
        first, second = (PAGE * rng.randrange(len(data) // PAGE) for _ in range(2))
        damaged[first : first + PAGE], damaged[second : second + PAGE] = (
            data[second : second + PAGE],
            data[first : first + PAGE],
        )
    else:
        del damaged[max(start, 512) :]  # an empty file is a new journal
    return bytes(damaged)


def run_again(path):
    """Run the program on a file and say what came of it; wrong numbers and errors without a sentence fail."""
    raised = None
    try:
        outcome = run_program(path)
    except (JournalError, RunIncompleteError) as error:
        raised = error
    if raised is not None:
        assert str(raised).endswith(".")
        return "noticed at opening" if isinstance(raised, JournalDamagedError) else "refused"
    assert outcome.right, "data of other work"
    return "run again" if outcome.submitted else "harmless"


def survives(path, main, beside=None):
    """Run the program on damaged files, look through them and repair them; return what was noticed."""
    put(path, main, beside)
    noticed = run_again(path)
    put(path, main, beside)
    report = check_journal(path)
    assert report.is_sound or report.summary()
    try:
        repaired = repair_journal(path)
    except JournalError:
        assert noticed in ("noticed at opening", "refused")
        return f"{noticed}, nothing to keep"
    assert check_journal(path).is_sound
    assert repaired.damaged is None or repaired.damaged.read_bytes() == main
    outcome = run_program(path)
    assert outcome.right
    return noticed


# name: (how, the file, the file beside it, which of them is damaged, how often)
DAMAGES = {
    "flips in the file": (flipped, "main", None, 200),
    "flips in the file beside it": (flipped, "main", "beside", 50),
    "flips in the file beside it that has everything": (flipped, "early", "late", 50),
    "blocks of the file": (struck, "main", None, 60),
    "blocks of the file beside it": (struck, "main", "beside", 20),
    "blocks of the file beside it that has everything": (struck, "early", "late", 20),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_random_damage_gives_no_wrong_data_no_hang_and_no_raw_error(name, files, tmp_path):
    how, main, beside, count = DAMAGES[name]
    rng = random.Random(11)
    counts = Counter()
    for _ in range(count):
        if beside is None:
            counts[survives(tmp_path / "j", how(files[main], rng))] += 1
        else:
            counts[survives(tmp_path / "j", files[main], how(files[beside], rng))] += 1
    assert sum(counts.values()) == count
    print(f"\n{name}: {dict(counts)}", file=sys.stderr)


def test_damage_is_put_where_it_is_noticed(files, tmp_path):
    """The fuzzing can fail: one bit in a key, a position or a seal of an item is seen."""
    main = files["main"]
    assert run_again_of(tmp_path, main) == "harmless"
    start = main.rindex(b"sampler")  # in a row of the table of units
    damaged = bytearray(main)
    damaged[start] ^= 1
    assert survives(tmp_path / "j", bytes(damaged)) == "noticed at opening"


def run_again_of(folder, main):
    put(folder / "j", main)
    return run_again(folder / "j")


@pytest.mark.parametrize("name", CRAFTED)
def test_a_journal_that_somebody_made_up_gives_no_wrong_data_no_hang_and_no_raw_error(name, files, tmp_path):
    path = tmp_path / "j"
    put(path, files["main"])
    craft(path, CRAFTED[name])
    main = path.read_bytes()
    run_again(path)
    put(path, main)
    check_journal(path).summary()
    try:
        repair_journal(path)
    except JournalError:
        return
    assert check_journal(path).is_sound
    assert run_again(path) != "noticed at opening" or name == "layout without registers"  # which fits nothing


def test_an_index_that_says_something_else_than_its_table_is_damage(files, tmp_path):
    """A job that is not found by its unit would be paid for again; SQLite's quick check does not look there."""
    path = tmp_path / "j"
    put(path, files["main"])
    with closing(sqlite3.connect(path)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'attempts_of_unit'").fetchone()
    damaged = bytearray(files["main"])
    damaged[page * PAGE - 5] ^= 4  # the row of the second entry; entries are written from the end of the page
    put(path, bytes(damaged))
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
    assert survives(path, bytes(damaged)) == "noticed at opening"
