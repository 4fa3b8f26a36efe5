"""Distributions of initial angles. To add one: write its file and list its class in ``INITIAL_DISTRIBUTIONS``."""

from collections.abc import Mapping

from qiskit_qml_ext.circuits.initialization.beta import BetaDistribution
from qiskit_qml_ext.circuits.initialization.distribution import AngleMoments, InitialDistribution, trainable_depth
from qiskit_qml_ext.circuits.initialization.gaussian import GaussianDistribution
from qiskit_qml_ext.circuits.initialization.identity_blocks import IdentityBlockDistribution
from qiskit_qml_ext.circuits.initialization.interval import (
    ReducedDomainDistribution,
    SmallAngleDistribution,
    UniformDistribution,
    WarmStartDistribution,
    ZeroDistribution,
)
from qiskit_qml_ext.circuits.registry import by_name

INITIAL_DISTRIBUTIONS: Mapping[str, type[InitialDistribution]] = by_name(
    BetaDistribution,
    GaussianDistribution,
    IdentityBlockDistribution,
    ReducedDomainDistribution,
    SmallAngleDistribution,
    UniformDistribution,
    WarmStartDistribution,
    ZeroDistribution,
)
"""The distributions by their short name."""

__all__ = [
    "INITIAL_DISTRIBUTIONS",
    "AngleMoments",
    "BetaDistribution",
    "GaussianDistribution",
    "IdentityBlockDistribution",
    "InitialDistribution",
    "ReducedDomainDistribution",
    "SmallAngleDistribution",
    "UniformDistribution",
    "WarmStartDistribution",
    "ZeroDistribution",
    "trainable_depth",
]
