"""IBM's own error codes, and what each means for a submission or for a job that failed.

The words are a short form of IBM's list of error codes (https://quantum.cloud.ibm.com/docs/errors and, for older codes,
``docs/errors.rst`` of qiskit-ibm-runtime). Those marked *seen* stand in answers of the service that are quoted in
public. Codes that are not listed are classified by the HTTP status and the text that comes with them.
"""

from dataclasses import dataclass

from qiskit_qml_ext.primitives.journal.service.reactions import REACTIONS, Meaning, WaitsFor


@dataclass(frozen=True)
class ServiceCode:
    """A code of the service."""

    meaning: Meaning
    """What it means for a submission or a failed job."""
    words: str
    """The service's words in short."""
    waits_for: WaitsFor | None = None
    """What has to happen first, for :attr:`Meaning.THROTTLED`."""


def _for_now(waits_for: WaitsFor, codes: dict[int, str]) -> dict[int, ServiceCode]:
    return {code: ServiceCode(Meaning.THROTTLED, words, waits_for) for code, words in codes.items()}


def _means(meaning: Meaning, codes: dict[int, str]) -> dict[int, ServiceCode]:
    return {code: ServiceCode(meaning, words) for code, words in codes.items()}


SERVICE_CODES: dict[int, ServiceCode] = dict(
    sorted(
        {
            **_for_now(
                WaitsFor.JOBS,
                {
                    1012: "maximum number of jobs that run at the same time",
                    3458: "maximum number of pending jobs",
                },
            ),
            **_for_now(
                WaitsFor.REQUESTS,
                {
                    1202: "too many requests in this time",
                    2402: "maximum number of attempts at the same time",
                },
            ),
            **_for_now(
                WaitsFor.DEVICE,
                {
                    1999: "planned outage, the service is under maintenance",
                    2002: "backend not available for this action",
                    2615: "the system is not available",
                    3245: "the queue of the backend is disabled",
                    3246: "the queue of the backend is unavailable",
                },
            ),
            **_means(
                Meaning.TOO_LARGE,
                {
                    1001: "the job is larger than the maximum size",
                    1102: "more circuits than the backend takes in a job",
                    1305: "the job ran longer than its maximum execution time (seen)",
                    3242: "too many circuits",
                    3248: "the job is too long",
                    5201: "the job timed out",
                    6002: "too many experiments",
                    8031: "the job is too long",
                },
            ),
            **_means(
                Meaning.SESSION_CLOSED,
                {
                    1217: "the session has been closed (seen)",
                    4001: "the job belongs to a session that has been closed",
                },
            ),
            **_means(
                Meaning.UNAUTHORIZED,
                {
                    1200: "not authorized to perform this action",
                    1201: "invalid credentials",
                    2407: "authentication required",
                    2408: "invalid access token",
                    2409: "forbidden",
                    3402: "API key not found",
                    3407: "API token not valid",
                    3440: "authentication required",
                    3446: "login failed",
                },
            ),
            **_means(
                Meaning.UNKNOWN,
                {
                    1000: "internal error of the API",
                    1006: "error of the converter",
                    1008: "error while the job was validated",
                    1010: "error at the backend",
                    1011: "error while the job was put into the queue",
                    2405: "error while data were saved",
                    2412: "error of the database",
                    3202: "no place to download from",
                    3203: "no place to upload to",
                    3204: "error of the converter",
                    3210: "the job was not saved",
                    3212: "the job was not validated",
                    3233: "the job could not be created",
                    3234: "the job could not be validated",
                    3235: "the cost of the job could not be calculated",
                    3251: "the job was not uploaded",
                    3300: "job data could not be downloaded",
                    3301: "job data could not be uploaded",
                    3704: "no status from the queue",
                    5203: "the job failed to run",
                    9707: "temporary internal error (seen)",
                    9999: "internal error",
                },
            ),
            **_means(
                Meaning.REFUSED,
                {
                    1002: "the job is not valid on this backend",
                    1003: "error in transpilation: the circuit is not supported",
                    1004: "the backend is not available: use another",
                    1005: "basis gates not available",
                    1007: "backend not found",
                    1009: "backend information not found",
                    1103: "more shots than the backend takes",
                    1106: "gates that are not among the backend's basis gates",
                    1107: "gates on qubits that are not coupled",
                    1109: "more qubits than the backend has",
                    1204: "more tags than a job may have",
                    1205: "a tag is longer than it may be",
                    1208: "the body of the request is not valid (seen)",
                    1352: "sessions are not allowed in the open plan (seen)",
                    1517: "an instruction or an angle that the device does not have (seen)",
                    2000: "backend not found",
                    2602: "system not allowed",
                    2620: "system not found",
                    3200: "backend not valid",
                    3211: "job not valid",
                    3218: "number of shots not allowed",
                    3220: "payload not valid",
                    3236: "the job is empty",
                    3237: "the job is invalid",
                    3239: "more registers than qubits",
                    3243: "the circuit is too big",
                    3249: "the fields of the job are empty",
                    3265: "input type not allowed by the backend",
                    3444: "the license has to be accepted",
                    3452: "the license is not accepted",
                    3453: "the license is required",
                    3460: "the user is blocked",
                    3500: "the body is wrong",
                    4317: "the monthly quota is used up (seen)",
                    6000: "too many shots",
                    6001: "too few shots",
                    6003: "too few experiments",
                    6050: "an option outside of its range, such as the repetition delay (seen)",
                    7000: "an instruction that is not among the basis gates",
                    7001: "an instruction that is not supported",
                    7003: "qubits and classical bits of different number",
                    7004: "a qubit is measured more than once",
                    7005: "error in an instruction",
                    7006: "instructions after a measurement",
                    8007: "a gate is not understood",
                    8008: "qubits that are not connected",
                    8014: "reset is not supported",
                    8020: "the circuit takes longer than the repetition time",
                },
            ),
        }.items()
    )
)
"""What each code means; 3243 is not halved, since it speaks of one circuit."""


def table() -> str:
    """Return the table of all codes in Markdown."""
    lines = ["| Code | The service says | What a journaled run does |", "|---|---|---|"]
    for code, entry in SERVICE_CODES.items():
        words = REACTIONS[entry.meaning].words
        action = words if entry.waits_for is None else f"{words}: {entry.waits_for.value}"
        lines.append(f"| {code} | {entry.words} | {action} |")
    return "\n".join(lines)
