from qiskit.primitives import StatevectorSampler
from runtime_server.work import rotation

from qiskit_qml_ext.primitives import JournaledSampler, Policy


def run(path, progress):
    sampler = JournaledSampler(StatevectorSampler(), path, policy=Policy(max_executions=20), progress=progress)
    sampler.run([(rotation(), [[0.0], [1.0], [2.0], [3.0]], 10)]).result(30)


def test_progress_says_how_many_jobs_are_done_and_the_shots(path, capsys):
    run(path, True)
    error = capsys.readouterr().err
    assert "4/4" in error
    assert "jobs: 2/2 done, 0 running, 0 queued; 40 shots" in error


def test_nothing_is_printed_where_no_terminal_is(path, capsys):
    run(path, None)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ""
