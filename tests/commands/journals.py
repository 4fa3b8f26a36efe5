"""The commands on a journal, and a small journal of this machine for them."""

import sqlite3
from contextlib import closing

from click.testing import CliRunner
from qiskit.primitives import StatevectorSampler
from runtime_server.work import rotation

from qiskit_qml_ext.cli import cli
from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, Policy


def jobs(path, *arguments, code=0, stdin=None):
    """Return what ``qiskit-qml-ext jobs`` prints; its exit code must be the one given."""
    done = CliRunner().invoke(cli, ["jobs", str(path), *arguments], input=stdin)
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def make(path):
    """Make a journal of two units that are done, of two circuits and of one."""
    with Journal(path) as journal:
        sampler = JournaledSampler(StatevectorSampler(), journal, policy=Policy(max_executions=20))
        sampler.run([(rotation(), [[0.1], [0.2], [0.3]], 10)]).result(30)
    return path


def change(path, *statements):
    """Change a journal's file behind its back."""
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)
