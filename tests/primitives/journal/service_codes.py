"""``python -m tests.primitives.journal.service_codes > docs/service-codes.md`` writes a page that a test compares."""

from qiskit_qml_ext.primitives.journal.service.service_codes import table

HEAD = """# What IBM's error codes mean for a journaled run

A journaled run asks the service's own code first, then the HTTP status, and the words last. An answer that was lost on
the way (a status of 500 and above, or none at all) says nothing for certain, whatever code it carries: the job is
looked for by its tag before anything is sent again. Codes that are not listed are understood by the status and the
words. The words are a short form of IBM's [list of error codes](https://quantum.cloud.ibm.com/docs/errors), of its
older version in the documentation of qiskit-ibm-runtime and, where it says *seen*, of answers of the service that are
quoted in public.

A unit that was refused for good, or whose job failed for good, gets a new chance when the same work is asked for again.

The file is written by `python -m tests.primitives.journal.service_codes > docs/service-codes.md`, and the tests fail
when it differs from the table that the package uses.
"""


def page():
    return f"{HEAD}\n{table()}\n"


if __name__ == "__main__":
    print(page(), end="")
