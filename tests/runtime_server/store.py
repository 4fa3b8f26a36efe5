"""The service's state: one SQLite file, shared by the web server, the worker and the tests."""

import json
import sqlite3
import time
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, backend TEXT, program TEXT, params TEXT, tags TEXT,
    session TEXT, status TEXT, reason TEXT, code INTEGER, created REAL, running REAL, result TEXT, cost INTEGER);
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, mode TEXT, backend TEXT, accepting INTEGER);
CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT, executions INTEGER, at REAL);
CREATE TABLE IF NOT EXISTS times (job TEXT PRIMARY KEY, seconds REAL, waited REAL);
CREATE TABLE IF NOT EXISTS faults (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT, path TEXT, action TEXT, remaining INTEGER, until REAL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT, path TEXT, at REAL, ended REAL);
"""


class Store:
    """Short transactions on the state; safe to use from several processes, one object per thread."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.database = sqlite3.connect(self.folder / "state.db", timeout=60, isolation_level=None)
        self.database.row_factory = sqlite3.Row
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=NORMAL")  # survives a kill, and nobody pulls the plug here
        self.database.executescript(_SCHEMA)

    def close(self):
        self.database.close()

    def rows(self, query, *values):
        return self.database.execute(query, values).fetchall()

    def row(self, query, *values):
        return self.database.execute(query, values).fetchone()

    def write(self, query, *values):
        return self.database.execute(query, values).rowcount

    def setting(self, name, default=None):
        row = self.row("SELECT value FROM settings WHERE name = ?", name)
        return default if row is None else json.loads(row["value"])

    def set(self, name, value):
        self.write("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    def now(self):
        """Return the service's own time, which is the machine's but for the setting ``clock_offset``."""
        return time.time() + self.setting("clock_offset", 0)

    def begin_request(self, method, path):
        """Write down that a request arrived, and return its number."""
        return self.database.execute(
            "INSERT INTO requests (method, path, at) VALUES (?, ?, ?)", (method, path, time.time())
        ).lastrowid

    def end_request(self, number=None):
        """Write down that a request was dealt with; without a number, that all were."""
        self.write("UPDATE requests SET ended = ? WHERE ended IS NULL AND seq = coalesce(?, seq)", time.time(), number)

    def take_fault(self, method, path):
        """Return the action of the first armed fault for a request and use it up once."""
        import re

        for row in self.rows("SELECT * FROM faults WHERE method = ? ORDER BY seq", method):
            if not re.fullmatch(row["path"], path):
                continue
            if row["until"] is not None and time.time() > row["until"]:
                continue
            if row["remaining"] is not None and not self.write(
                "UPDATE faults SET remaining = remaining - 1 WHERE seq = ? AND remaining > 0", row["seq"]
            ):
                continue
            return json.loads(row["action"])
        return None

    def take(self, name):
        """Return the first item of a list among the settings and use it up; ``None`` if there is none."""
        if not self.setting(name):
            return None
        self.database.execute("BEGIN IMMEDIATE")
        items = self.setting(name)
        if items:
            self.set(name, items[1:])
        self.database.execute("COMMIT")
        return items[0] if items else None

    def charge(self, job, seconds, waited):
        """Write down what a job took of the processor's time and how long it waited for it."""
        self.write("INSERT OR REPLACE INTO times VALUES (?, ?, ?)", job, seconds, waited)

    def seconds(self):
        """Return what all jobs took of the processor's time."""
        return self.row("SELECT coalesce(sum(seconds), 0) AS n FROM times")["n"]

    def finish(self, job, status, *, result=None, reason=None, code=None, executions=None):
        """End a job and charge its executions at once; a job cancelled meanwhile stays so, but is charged."""
        self.database.execute("BEGIN IMMEDIATE")
        self.database.execute(
            "UPDATE jobs SET status = ?, result = ?, reason = ?, code = ? WHERE id = ? AND status = 'Running'",
            (status, result, reason, code, job),
        )
        if executions is not None:
            self.database.execute(
                "INSERT INTO ledger (job, executions, at) VALUES (?, ?, ?)", (job, executions, time.time())
            )
        self.database.execute("COMMIT")
