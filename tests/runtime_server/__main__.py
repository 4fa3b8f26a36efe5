"""``python -m runtime_server FOLDER PORT``: the web server; it starts the worker."""

import base64
import contextlib
import json
import socket
import subprocess
import sys
import time
import uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from runtime_server.store import Store

PENDING = (
    "You have reached the maximum number of pending jobs, so you need to wait for one job to move from pending before "
    "submitting a new one."
)
CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/account:instance::"


def token():
    """Return something shaped like a JWT that is valid for an hour."""
    now = int(time.time())
    parts = [{"alg": "HS256", "typ": "JWT"}, {"iat": now, "exp": now + 3600}, {}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


class DroppedError(Exception):
    """The connection is to be closed without an answer."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests, unless an armed fault says otherwise.

    What a fault may hold: ``delay`` seconds pass before the request takes effect, which it does even if its client has
    been killed meanwhile; ``status``, ``body``, ``headers`` or ``drop`` (no answer) take the place of the answer, and
    with ``after`` the request takes effect before; with ``late`` it takes effect so many seconds *after* that answer
    (``None`` seconds end when the test opens the gate); ``truncate``, ``replace``, ``garble`` and ``stall`` spoil the
    answer itself.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder = None

    def handle(self):
        self.store = Store(self.folder)
        try:
            super().handle()
        except (ConnectionError, DroppedError):
            self.close_connection = True
        finally:
            self.store.close()

    def log_message(self, *arguments):
        pass

    def _serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        path = url.path.removeprefix("/experimental")
        number = self.store.begin_request(self.command, path)
        try:
            self._serve_faulty(path, self.store.take_fault(self.command, path) or {})
        finally:
            self.store.end_request(number)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _serve_faulty(self, path, fault):
        self._wait(fault.get("delay", 0))
        if "late" in fault:
            return self._take_effect_late(path, fault)
        if fault and not fault.get("after"):
            self._misbehave(fault)
            if "status" in fault:
                return self._send(fault["status"], fault.get("body", {}), headers=fault.get("headers"))
        status, content = self._answer(path)
        if fault.get("after"):
            self._misbehave(fault)
            if "status" in fault:
                status, content = fault["status"], fault.get("body", {})
        return self._send(status, content, fault=fault)

    def _take_effect_late(self, path, fault):
        """Answer (or break the line) now and do what was asked for afterwards, as a busy gateway does."""
        with contextlib.suppress(OSError):
            if not fault.get("drop"):
                headers = {**fault.get("headers", {}), "Connection": "close"}
                self._send(fault.get("status", 504), fault.get("body", {}), headers=headers)
            self.connection.shutdown(socket.SHUT_RDWR)
        self._wait(fault["late"])
        self._answer(path)
        raise DroppedError

    def _wait(self, seconds):
        """Wait so many seconds; ``None`` waits until the test opens the gate."""
        time.sleep(seconds or 0)
        while seconds is None and not self.store.setting("gate", False):
            time.sleep(0.02)

    def _misbehave(self, fault):
        if fault.get("drop"):
            self.connection.close()
            raise DroppedError

    def _send(self, status, content, *, headers=None, fault=None):
        fault = fault or {}
        data = (
            content.encode() if isinstance(content, str) else b"" if content is None else json.dumps(content).encode()
        )
        if "truncate" in fault:
            data = data[: int(len(data) * fault["truncate"])]
        if "replace" in fault:
            data = fault["replace"].encode()
        if "garble" in fault:
            middle = len(data) // 2
            data = data[: middle - 20] + data[middle + 20 : middle - 20 : -1] + data[middle + 20 :]
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(0 if status == 204 else len(data)))
        self.end_headers()
        if status == 204:
            return
        if "stall" in fault:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            time.sleep(fault["stall"])
            raise DroppedError
        self.wfile.write(data)

    def _answer(self, path):
        parts = [unquote(part) for part in path.strip("/").split("/")]
        routes = {
            ("POST", "identity"): self._identity,
            ("POST", "v3"): self._search,
            ("GET", "api"): self._catalog,
            ("GET", "backends"): self._backends,
            ("GET", "instances"): self._usage,
            ("POST", "jobs"): self._post_job,
            ("GET", "jobs"): self._get_job,
            ("PUT", "jobs"): self._put_tags,
            ("DELETE", "jobs"): self._delete_job,
            ("POST", "sessions"): self._post_session,
            ("GET", "sessions"): self._get_session,
            ("PATCH", "sessions"): self._close_session,
            ("DELETE", "sessions"): self._close_session,
        }
        route = routes.get((self.command, parts[0]))
        return (404, _error(1, f"no such place: {path}")) if route is None else route(parts)

    def _identity(self, parts):
        now = int(time.time())
        return 200, {"access_token": token(), "token_type": "Bearer", "expires_in": 3600, "expiration": now + 3600}

    def _search(self, parts):
        return 200, {
            "items": [
                {
                    "crn": CRN,
                    "name": "test instance",
                    "tags": [],
                    "service_plan_unique_id": "plan",
                    "doc": {"extensions": {"allocations": 1}},
                }
            ]
        }

    def _catalog(self, parts):
        name = self.store.setting("plan", "Standard")
        price = "free" if name == "Open" else "paid"
        return 200, {"overview_ui": {"en": {"display_name": name}}, "metadata": {"pricing": {"type": price}}}

    def _backends(self, parts):
        folder = Path(self.folder) / "backends"
        queued = self.store.row("SELECT count(*) AS n FROM jobs WHERE status = 'Queued'")["n"]
        if len(parts) == 1:
            devices = [
                {
                    "name": item.name,
                    "class": "mock" if item.name.startswith("mock_") else "real",
                    "status": {"name": "online", "reason": "available"},
                    "queue_length": queued,
                }
                for item in sorted(folder.iterdir())
            ]
            return 200, {"devices": devices}
        if not (folder / parts[1]).is_dir():
            return 404, _error(1216, f"no backend {parts[1]}")
        if parts[2] == "status":
            status = "paused" if parts[1] in self.store.setting("paused", []) else "active"
            return 200, {"state": True, "status": status, "length_queue": queued, "backend_version": "1.0.0"}
        return 200, (folder / parts[1] / f"{parts[2]}.json").read_text()

    def _post_job(self, parts):
        if len(parts) == 3 and parts[2] == "cancel":
            changed = self.store.write(
                "UPDATE jobs SET status = 'Cancelled' WHERE id = ? AND status IN ('Queued', 'Running')", parts[1]
            )
            return (204, None) if changed else (409, _error(1211, "job is in a final state"))
        body = json.loads(self.body)
        session = body.get("session_id")
        if session is not None:
            row = self.store.row("SELECT accepting FROM sessions WHERE id = ?", session)
            if row is None or not row["accepting"]:
                return 400, _error(1217, "The session has been closed and does not accept jobs.")
        limit = self.store.setting("execution_limit")
        if limit is not None and (number := _executions(body)) > limit:
            return 400, _error(8033, f"The number of executions {number} exceeds the limit of {limit} in a job.")
        job = self.store.take("job_ids") or uuid.uuid4().hex[:20]
        pending = self.store.setting("pending_limit")
        accepted = self.store.write(
            "INSERT INTO jobs (id, backend, program, params, tags, session, cost, status, created)"
            " SELECT ?, ?, ?, ?, ?, ?, ?, 'Queued', ?"
            " WHERE ? > (SELECT count(*) FROM jobs WHERE status IN ('Queued', 'Running'))",
            job,
            body["backend"],
            body["program_id"],
            json.dumps(body["params"]),
            json.dumps(body.get("tags", [])),
            session,
            body.get("cost"),
            self.store.now(),
            2**60 if pending is None else pending,
        )
        if not accepted:
            return 400, _error(3458, self.store.setting("pending_message", PENDING))
        return 200, {"id": job, "backend": body["backend"]}

    def _get_job(self, parts):
        if len(parts) == 1:
            return self._list_jobs()
        row = self.store.row("SELECT * FROM jobs WHERE id = ?", parts[1])
        if row is None:
            return 404, _error(1291, "Job not found.")
        if len(parts) == 2:
            return 200, _job(row)
        if parts[2] == "results":
            return (204, None) if row["result"] is None and row["status"] != "Failed" else (200, row["result"] or "")
        if parts[2] == "metrics":
            return 200, self._metrics(row)
        return 404, _error(1, "no such part of a job")

    def _metrics(self, row):
        """Say what a job took: two seconds if it was completed, or what the ledger of times says."""
        charged = self.store.row("SELECT * FROM times WHERE job = ?", row["id"])
        seconds = 2 if row["status"] == "Completed" else 0
        usage = {"quantum_seconds": seconds, "seconds": seconds}
        running = row["running"]
        if charged is not None:
            usage = {"qpu_charge_time_seconds": charged["seconds"], "status": "complete"}
            running = row["created"] + charged["waited"]
        usage = self.store.setting("usage", usage) if row["status"] != "Running" else self._partial(usage)
        stamps = {"created": _stamp(row["created"]), "running": running and _stamp(running), "finished": None}
        return {"timestamps": stamps, "usage": usage}

    def _partial(self, usage):
        """Say what a running job took so far, which is not settled."""
        seconds = self.store.setting("partial_seconds")
        return usage if seconds is None else {"qpu_charge_time_seconds": seconds, "status": "pending"}

    def _usage(self, parts):
        """Say what was used of the instance, and what may be."""
        answer = {"usage_limit_reached": False, "usage_remaining_seconds": 600}
        limit = self.store.setting("usage_limit")
        if limit is not None:
            consumed = self.store.seconds()
            answer = {"usage_consumed_seconds": consumed, "usage_limit_seconds": limit}
            answer["usage_limit_reached"] = consumed >= limit
        return 200, self.store.setting("instance_usage", answer)

    def _list_jobs(self):
        wanted = set(self.query.get("tags", []))
        order = "ASC" if self.query.get("sort") == ["ASC"] else "DESC"
        rows = self.store.rows(f"SELECT * FROM jobs ORDER BY created {order}, seq {order}")
        rows = [row for row in rows if wanted <= set(json.loads(row["tags"]))]
        if "pending" in self.query:
            pending = self.query["pending"] == ["true"]
            rows = [row for row in rows if (row["status"] in ("Queued", "Running")) == pending]
        if "created_after" in self.query:
            after = datetime.fromisoformat(self.query["created_after"][0].replace("Z", "+00:00")).timestamp()
            rows = [row for row in rows if row["created"] >= after]
        limit, offset = int(self.query.get("limit", ["10"])[0]), int(self.query.get("offset", ["0"])[0])
        page = rows[offset : offset + limit]
        return 200, {"jobs": [_job(row) for row in page], "count": len(rows), "limit": limit, "offset": offset}

    def _put_tags(self, parts):
        self.store.write("UPDATE jobs SET tags = ? WHERE id = ?", json.dumps(json.loads(self.body)["tags"]), parts[1])
        return 204, None

    def _delete_job(self, parts):
        self.store.write("DELETE FROM jobs WHERE id = ?", parts[1])
        return 204, None

    def _post_session(self, parts):
        body = json.loads(self.body)
        if body.get("mode") == "dedicated" and not self.store.setting("sessions_allowed", True):
            return 400, _error(1352, "You are not authorized to run a session when using the open plan.")
        session = str(uuid.uuid4())
        self.store.write("INSERT INTO sessions VALUES (?, ?, ?, 1)", session, body.get("mode"), body.get("backend"))
        return 200, {"id": session}

    def _get_session(self, parts):
        row = self.store.row("SELECT * FROM sessions WHERE id = ?", parts[1])
        if row is None:
            return 404, _error(1, "no such session")
        state = "open" if row["accepting"] else "closed"
        details = {"id": row["id"], "mode": row["mode"], "backend_name": row["backend"], "state": state}
        return 200, {**details, "accepting_jobs": bool(row["accepting"])}

    def _close_session(self, parts):
        self.store.write("UPDATE sessions SET accepting = 0 WHERE id = ?", parts[1])
        return 204, None


def _executions(body):
    """Count circuits times shots of a job; the items of an ``executor`` carry their shapes in plain JSON."""
    program = body["params"].get("quantum_program")
    if program is None:
        from runtime_server.worker import legacy_pubs

        return legacy_pubs(body["program_id"], json.dumps(body["params"]))[1]
    total = 0
    for item in program["items"]:
        number = program["shots"]
        for length in item["shape"] or item.get("circuit_arguments", {}).get("shape", [1])[:-1]:
            number *= length
        total += number
    return total


def _job(row):
    return {
        "id": row["id"],
        "backend": row["backend"],
        "status": row["status"],
        "state": {"status": row["status"], "reason": row["reason"], "reason_code": row["code"]},
        "program": {"id": row["program"]},
        "created": _stamp(row["created"]),
        "tags": json.loads(row["tags"]),
        "session_id": row["session"],
        "estimated_running_time_seconds": 1,
    }


def _stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")


def _error(code, message):
    return {"error": {"code": code, "message": message}, "errors": [{"code": code, "message": message}]}


def main(folder, port):
    Handler.folder = folder
    store = Store(folder)
    store.end_request()  # what a killed server was working on comes to nothing
    store.close()
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    worker = subprocess.Popen([sys.executable, "-m", "runtime_server.worker", folder])
    try:
        server.serve_forever()
    finally:
        worker.kill()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
