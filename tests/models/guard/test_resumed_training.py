"""A training under guard that is killed and taken up ends, and says, what an uninterrupted one does."""

import warnings

import pytest
from numpy.testing import assert_equal

from qiskit_qml_ext.circuits import HardwareEfficientAnsatz
from qiskit_qml_ext.exceptions import PlateauError, PlateauWarning
from qiskit_qml_ext.models import VariationalRegressor
from qiskit_qml_ext.models.variational.model import VariationalModel
from qiskit_qml_ext.primitives import connect
from tests.models.guard.test_connections import data

MODES = ["warn", "stop", "off"]
WIDTH = 5


class Interrupted(Exception):  # noqa: N818
    """Stands for the end of a process."""


def trained(mode, *, checkpoint=None, dies_at=None):
    """Train on a plateau; return the model, or None if it died, and the warnings."""

    def die(step):
        if step.iteration == dies_at:
            raise Interrupted

    model = VariationalRegressor(
        ansatz=HardwareEfficientAnsatz(reps=5), observables="parity", max_iter=26, n_iter_no_change=100, batch_size=1,
        connection=connect("exact", shots=10, seed=1), plateau_guard=mode, checkpoint=checkpoint, callbacks=[die],
        random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            model.fit(*(part[:2] for part in data(WIDTH)))
        except Interrupted:
            model = None
    return model, [str(one.message) for one in said if issubclass(one.category, PlateauWarning)]


def told(model):
    report = None if model.plateau_ is None else model.plateau_.to_dict()
    return report, model.stopped_, model.n_iter_, model.history_["loss"].tolist(), model.weights_.tolist()


@pytest.fixture
def sees_nothing_coming(monkeypatch):
    """The guard is told of more shots than there are, so that it lets a plateau through."""
    monkeypatch.setattr(VariationalModel, "_shots", lambda self: 10**9)


@pytest.fixture(scope="module")
def uninterrupted():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VariationalModel, "_shots", lambda self: 10**9)
        return {mode: trained(mode) for mode in MODES}


def test_the_case_is_one_where_the_guard_speaks(uninterrupted):
    warned, stopped, off = (uninterrupted[mode] for mode in MODES)
    assert (stopped[0].stopped_, stopped[0].plateau_.code) == ("plateau", "stalled")
    assert warned[0].n_iter_ == off[0].n_iter_ == 26 > stopped[0].n_iter_ > 20
    assert [len(said) for _, said in (warned, stopped, off)] == [1, 1, 0]


@pytest.mark.usefixtures("sees_nothing_coming")
@pytest.mark.parametrize("dies_at", [3, 19])
@pytest.mark.parametrize("mode", MODES)
def test_a_resumed_training_sees_says_and_stops_as_an_uninterrupted_one(mode, dies_at, uninterrupted, tmp_path):
    file = tmp_path / "checkpoint"
    assert trained(mode, checkpoint=file, dies_at=dies_at)[0] is None
    resumed, said = trained(mode, checkpoint=file)
    assert_equal(told(resumed), told(uninterrupted[mode][0]))
    assert said == uninterrupted[mode][1]


@pytest.mark.usefixtures("sees_nothing_coming")
@pytest.mark.parametrize("mode", MODES)
def test_a_finished_training_stays_what_it_was_and_says_it_again(mode, uninterrupted, tmp_path):
    file = tmp_path / "checkpoint"
    trained(mode, checkpoint=file)
    again, said = trained(mode, checkpoint=file, dies_at=1)
    assert_equal(told(again), told(uninterrupted[mode][0]))
    assert said == uninterrupted[mode][1]
    assert again.connection.usage.circuits == 0


def test_a_warning_from_before_the_training_is_said_again_by_the_run_that_goes_on(tmp_path):
    file = tmp_path / "checkpoint"
    _, said = trained("warn", checkpoint=file, dies_at=4)
    resumed, again = trained("warn", checkpoint=file)
    whole, whole_said = trained("warn")
    assert "at 10 shots of each circuit" in said[0]
    assert said == again == whole_said
    assert_equal(told(resumed), told(whole))


def test_a_start_that_is_refused_leaves_no_checkpoint_and_is_refused_again(tmp_path):
    file = tmp_path / "checkpoint"
    for _ in range(2):
        with pytest.raises(PlateauError, match="at 10 shots of each circuit"):
            trained("stop", checkpoint=file)
    assert not file.exists()


@pytest.mark.usefixtures("sees_nothing_coming")
def test_a_guard_that_is_switched_on_later_knows_what_came_before(uninterrupted, tmp_path):
    file = tmp_path / "checkpoint"
    trained("off", checkpoint=file, dies_at=23)
    resumed, said = trained("warn", checkpoint=file)
    assert_equal(told(resumed), told(uninterrupted["warn"][0]))
    assert said == uninterrupted["warn"][1]


@pytest.mark.usefixtures("sees_nothing_coming")
def test_whether_the_guard_stops_is_part_of_what_a_training_is(tmp_path):
    file = tmp_path / "checkpoint"
    trained("warn", checkpoint=file, dies_at=3)
    with pytest.raises(ValueError, match="plateau_guard was 'warn' or 'off' and is 'stop'"):
        trained("stop", checkpoint=file)
