"""The ids of jobs, as a journal that somebody else may have written holds them."""

import re

from qiskit_qml_ext.exceptions import JournalError

# "d1a2b3c4d5e6f7g8h9i0" of IBM's service, UUIDs of others; the client puts it into the address of a request as it is.
# What RFC 3986 calls unreserved means nothing there, but for the two names that are made of dots.
_ID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}")
# Jobs of other providers are on record only, and may be called like "arn:aws:braket:us-east-1:1:quantum-task/2".
_ON_RECORD = re.compile(r"[^\x00-\x20\x7f?#%\\]{1,2000}")


def checked_job_id(job: object) -> str:
    """Return a job's id, before a request with the user's token is made of it.

    Raises:
        JournalError: If it has characters that no id has: with a slash or a question mark in it, the request would go
            to another place of the service.
    """
    if not isinstance(job, str) or _ID.fullmatch(job) is None:
        raise JournalError(
            f"The journal names a job {str(job)[:60]!r}, which cannot be the id of a job: the file is damaged or was "
            "made by something else. Nothing was asked of the service."
        )
    return job


def is_job_id(job: str) -> bool:
    """Tell whether a row of a journal may hold a text as the id of a job, of whatever provider."""
    return bool(_ON_RECORD.fullmatch(job)) and not job.startswith("/") and not {"..", "."} & set(job.split("/"))
