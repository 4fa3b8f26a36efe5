"""How tests start, kill, watch and disturb the service."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

from runtime_server.store import Store

TOKEN = "a-secret-token-that-must-not-be-written-anywhere"
CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/account:instance::"
_TESTS = Path(__file__).parents[1]


class RuntimeServer:
    """The service in processes of its own; a context manager.

    Args:
        folder: Where its state lives; a new server on the same folder goes on where a killed one stopped.
        backends: Classes of fake backends; their devices are called ``test_manila`` for ``FakeManilaV2`` and so on.
    """

    def __init__(self, folder, backends=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "backends").mkdir(exist_ok=True)
        self._reported = {}
        for cls in backends:
            self.add_backend(cls)
        self._first = set(self._reported)
        self.store = Store(self.folder)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = None

    def add_backend(self, cls):
        """Offer the device of a fake backend's class."""
        name = cls.backend_name.replace("fake_", "test_")
        folder = self.folder / "backends" / name
        folder.mkdir(exist_ok=True)
        source = Path(cls.dirname)
        configuration = json.loads((source / cls.conf_filename).read_text())
        configuration |= {"backend_name": name, "simulator": False}
        (folder / "configuration.json").write_text(json.dumps(configuration))
        self._reported[folder / "properties.json"] = (source / cls.props_filename).read_text()
        self._report_as_before()

    def _report_as_before(self):
        """Let each device report of itself what it reported when it was added."""
        for path, text in self._reported.items():
            if not path.exists() or path.read_text() != text:
                path.write_text(text)

    def offer_dry_runs(self, name="test_manila"):
        """Offer the mock of a device, on which dry runs run."""
        mock = self.folder / "backends" / name.replace("test_", "mock_")
        shutil.copytree(self.folder / "backends" / name, mock, dirs_exist_ok=True)
        path = mock / "configuration.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"backend_name": mock.name}))
        return mock

    def recalibrate(self, name, date="2031-01-02T03:04:05+00:00"):
        """Give a device a new date of calibration."""
        path = self.folder / "backends" / name / "properties.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"last_update_date": date}))

    def spoil_qubit(self, name, qubit):
        """Let a device report errors on everything that touches a qubit."""
        path = self.folder / "backends" / name / "properties.json"
        properties = json.loads(path.read_text())
        for gate in properties["gates"]:
            if qubit in gate["qubits"]:
                for item in gate["parameters"]:
                    if item["name"] == "gate_error":
                        item["value"] = 0.4
        for item in properties["qubits"][qubit]:
            if item["name"] in ("readout_error", "prob_meas0_prep1", "prob_meas1_prep0"):
                item["value"] = 0.45
        path.write_text(json.dumps(properties))

    @property
    def environment(self):
        """Variables with which ``QiskitRuntimeService()`` finds this server, without any argument."""
        from runtime_server.client import heed_iam_url  # not at the top: the server's own process has no client

        heed_iam_url()
        return {
            "IAM_URL": self.url,
            "GLOBAL_SEARCH_URL": self.url,
            "GLOBAL_CATALOG_URL": self.url + "/api/v1",
            "QISKIT_IBM_TOKEN": TOKEN,
            "QISKIT_IBM_INSTANCE": CRN,
            "QISKIT_IBM_URL": self.url + "/experimental",
            "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
        }

    def service(self):
        """Return the unmodified client, connected; the environment must hold :attr:`environment`."""
        from qiskit_ibm_runtime import QiskitRuntimeService

        return QiskitRuntimeService()

    def start(self, *, wait_for_worker=True):
        """Start the server and, unless told otherwise, wait until jobs can run."""
        self.store.set("worker_ready", False)
        environment = {**os.environ, "PYTHONPATH": str(_TESTS), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "runtime_server", str(self.folder), str(self.port)],
            env=environment,
            start_new_session=True,
        )
        _wait(lambda: _answers(self.port), "the server to answer")
        if wait_for_worker:
            self.wait_for_worker()
        return self

    def wait_for_worker(self, seconds=60):
        """Wait until jobs can run."""
        _wait(lambda: self.store.setting("worker_ready"), "the worker to start", seconds)

    def kill(self):
        """Send SIGKILL to the server and its worker."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.kill()
        self.store.close()

    def fault(self, method, path, *, times=1, seconds=None, **action):
        """Arm a fault for requests whose path matches; see ``Handler`` for the actions."""
        self.store.write(
            "INSERT INTO faults (method, path, action, remaining, until) VALUES (?, ?, ?, ?, ?)",
            method,
            path,
            json.dumps(action),
            None if seconds is not None else times,
            None if seconds is None else time.time() + seconds,
        )

    def fail_next(
        self, times=1, *, status="Failed", reason="The control electronics lost a packet.", code=9707, seconds=None
    ):
        """Let the next jobs end like this instead of running, and charge so many seconds for them all the same."""
        verdict = {"status": status, "reason": reason, "code": code}
        if seconds is not None:
            verdict["seconds"] = seconds
        self.store.set("verdicts", self.store.setting("verdicts", []) + [verdict] * times)

    def set_timing(self, timing):
        """Let jobs take what a model of a device's time says, and write it into the ledger of times."""
        self.store.set("timing", timing.to_dict())

    def say_of_usage(self, usage):
        """Let the service say this of what each ended job took, whatever it took."""
        self.store.set("usage", usage)

    def say_of_instance(self, usage):
        """Let the service say this of what was used of the instance; a number limits it."""
        self.store.set("usage_limit" if isinstance(usage, (int, float)) else "instance_usage", usage)

    def seconds(self):
        """Return what all jobs took of the processor's time."""
        return self.store.seconds()

    def seconds_of(self, job):
        """Return what a job took of the processor's time."""
        return self.store.row("SELECT seconds FROM times WHERE job = ?", job)["seconds"]

    def submit_again(self, number=0, **changes):
        """Accept a job like an earlier one, as if its request had arrived twice; return its id.

        Args:
            number: Which of the earlier jobs, in order.
            **changes: Columns of the new job that differ.
        """
        row = dict(self.store.rows("SELECT * FROM jobs ORDER BY seq")[number])
        row |= {"id": uuid.uuid4().hex[:20], "status": "Queued", "result": None, "running": None}
        row |= {"created": time.time(), **changes}
        del row["seq"]
        marks = ", ".join("?" * len(row))
        self.store.write(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({marks})", *row.values())
        return row["id"]

    def open_gate(self):
        """Let those requests take effect that were told to wait ``None`` seconds."""
        self.store.set("gate", True)

    def open_gate_after(self, executions, seconds=1.0):
        """Open the gate some time after so much was executed: by then other processes are well under way."""
        _wait(lambda: self.executions() >= executions, f"{executions} executions")
        time.sleep(seconds)
        self.open_gate()

    def slow_post(self, seconds, times=1):
        """Accept the next jobs so many seconds after they arrive, even if their client is dead by then."""
        self.fault("POST", "/jobs", times=times, delay=seconds)

    def late_post(self, seconds, times=1, **answer):
        """Answer 504 (or as told) to the next jobs, and accept them so many seconds later all the same."""
        self.fault("POST", "/jobs", times=times, late=seconds, **answer)

    def outage(self, seconds, status=503):
        """Refuse everything for a while."""
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            self.fault(method, ".*", seconds=seconds, status=status)

    def set_clock(self, offset):
        """Let the service's own clock, and so the times of its jobs from now on, differ from the machine's."""
        self.store.set("clock_offset", offset)

    def limit_pending(self, jobs, message=None):
        """Refuse jobs while so many wait or run, in the service's words or other ones."""
        self.store.set("pending_limit", jobs)
        if message is not None:
            self.store.set("pending_message", message)

    def pause(self, *backends):
        """Let these devices take jobs but run none, and all others go on."""
        self.store.set("paused", list(backends))

    def name_next(self, *ids):
        """Give the next jobs these ids."""
        self.store.set("job_ids", list(ids))

    def set_hold(self, hold):
        """Keep all jobs in the queue, or let them go."""
        self.store.set("hold", hold)

    def wait_until(self, condition, seconds=60):
        """Wait until something is so."""
        _wait(condition, "a condition", seconds)

    def reset(self):
        """Forget all jobs, faults, settings, calibrations and added devices, for the next test."""
        for path in set(self._reported) - self._first:
            del self._reported[path]
            shutil.rmtree(path.parent)
        self._report_as_before()
        ready = self.store.setting("worker_ready")
        for table in ("jobs", "sessions", "ledger", "times", "faults", "settings", "requests"):
            self.store.write(f"DELETE FROM {table}")
        self.store.set("worker_ready", ready)

    def jobs(self):
        """Return all jobs as dictionaries, oldest first."""
        rows = [dict(row) for row in self.store.rows("SELECT * FROM jobs ORDER BY seq")]
        return [row | {"tags": json.loads(row["tags"])} for row in rows]

    def executed_jobs(self):
        """Return the ids of the jobs in the ledger, in order of execution."""
        return [row["job"] for row in self.store.rows("SELECT job FROM ledger ORDER BY seq")]

    def executions(self):
        """Return all circuits times shots that were executed (and would be paid for)."""
        return self.store.row("SELECT coalesce(sum(executions), 0) AS n FROM ledger")["n"]

    def executions_of(self, jobs):
        """Return the executions of some jobs."""
        rows = self.store.rows("SELECT job, executions FROM ledger")
        return sum(row["executions"] for row in rows if row["job"] in jobs)

    def settle(self, seconds=60):
        """Wait until no submission is under way and no job waits or runs."""
        _wait(lambda: not self._is_busy(), "the service to be idle", seconds)

    def _is_busy(self):
        under_way = self.store.row(
            "SELECT count(*) AS n FROM requests WHERE method = 'POST' AND path = '/jobs' AND ended IS NULL"
        )["n"]
        left = self.store.row("SELECT count(*) AS n FROM jobs WHERE status IN ('Queued', 'Running')")["n"]
        return under_way or left

    def requests(self, method, path):
        """Count the requests of a method to a path."""
        return self.store.row("SELECT count(*) AS n FROM requests WHERE method = ? AND path = ?", method, path)["n"]


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _answers(port):
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _wait(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {seconds} s for {what}.")
        time.sleep(0.02)
