"""What the installed Runtime client calls its things, and how it is led to the server: its versions differ."""

import os
import warnings

from qiskit_ibm_runtime import EstimatorV2, SamplerV2
from qiskit_ibm_runtime.api import auth

try:
    from qiskit_ibm_runtime.executor_estimator import Estimator
    from qiskit_ibm_runtime.executor_sampler import Sampler

    HAS_EXECUTOR = True
except ImportError:  # qiskit-ibm-runtime before 0.50 knows the older generation only
    Estimator, Sampler = EstimatorV2, SamplerV2
    HAS_EXECUTOR = False

try:
    from qiskit_ibm_runtime.json import RuntimeDecoder, RuntimeEncoder
except ImportError:
    from qiskit_ibm_runtime.utils import RuntimeDecoder, RuntimeEncoder

SAMPLERS = list(dict.fromkeys([Sampler, SamplerV2]))
ESTIMATORS = list(dict.fromkeys([Estimator, EstimatorV2]))


def heed_iam_url():
    """Let a client that knows one place for tokens only ask the one in ``IAM_URL``, as later ones do by themselves."""
    if hasattr(auth, "os"):  # the client reads the environment
        return
    manager = auth.IAMTokenManager
    auth.IAMTokenManager = lambda key, url, **settings: manager(key, url=os.environ.get("IAM_URL", url), **settings)
    auth.os = os


def quietly(make, *arguments, **settings):
    """Make a primitive of the older generation without the client's word that it is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return make(*arguments, **settings)


__all__ = [
    "ESTIMATORS",
    "HAS_EXECUTOR",
    "SAMPLERS",
    "Estimator",
    "EstimatorV2",
    "RuntimeDecoder",
    "RuntimeEncoder",
    "Sampler",
    "SamplerV2",
    "heed_iam_url",
    "quietly",
]


def prepared_estimates(pubs, options, backend):
    """Return what the newer estimator of the client submits for PUBs."""
    from qiskit_ibm_runtime.executor_estimator.prepare import prepare
    from qiskit_ibm_runtime.options_models.estimator import EstimatorOptions

    return prepare(pubs, EstimatorOptions(**options), backend=backend)[0]
