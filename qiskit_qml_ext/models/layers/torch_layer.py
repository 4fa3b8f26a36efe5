"""A quantum layer as a module of PyTorch."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike

from qiskit_qml_ext.checks import ParameterNames
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import GradientMethod
from qiskit_qml_ext.models.layers.layer_circuit import LayerCircuit
from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer
from qiskit_qml_ext.models.layers.torch_function import apply, check_precision
from qiskit_qml_ext.primitives import Connection


class TorchLayer(torch.nn.Module):
    """A quantum layer as a module of PyTorch; the arguments are those of :class:`QuantumLayer`, and ``dtype``.

    The module's one parameter is ``weights``, shape (W,). Inputs of shape (…, F) give outputs of shape (…, M), in the
    wider precision of inputs and weights, which must be float32 or float64; in between everything is computed in double
    precision. The circuit runs on this machine's processors: tensors on another device are copied there and the
    results back. ``torch.compile`` compiles what is before and behind the layer. Second derivatives are refused. The
    ``state_dict`` holds the weights alone: circuit, connection and gradient method are those of the layer that loads
    it.

    Args:
        circuit: See :class:`QuantumLayer`.
        observables: See :class:`QuantumLayer`.
        num_features: See :class:`QuantumLayer`.
        input_parameters: See :class:`QuantumLayer`.
        weight_parameters: See :class:`QuantumLayer`.
        initialization: See :class:`QuantumLayer`.
        random_state: A seed or a generator for the initial weights; ``None`` takes a seed from PyTorch's own generator,
            so that ``torch.manual_seed`` governs them.
        gradient: See :class:`QuantumLayer`.
        connection: See :class:`QuantumLayer`.
        dtype: The precision of the weights, ``torch.float32`` or ``torch.float64``; by default PyTorch's.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: See :class:`QuantumLayer`.

    Examples:
        >>> import torch
        >>> from qiskit.quantum_info import Pauli
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz
        >>> from qiskit_qml_ext.models import TorchLayer
        >>> layer = TorchLayer((AngleFeatureMap(), RealAmplitudesAnsatz(reps=1)), Pauli("ZZ"), num_features=2)
        >>> model = torch.nn.Sequential(torch.nn.Linear(8, 2), layer, torch.nn.Linear(1, 3))
        >>> model(torch.zeros(5, 8)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        circuit: LayerCircuit,
        observables: Observable | Sequence[Observable],
        *,
        num_features: int | None = None,
        input_parameters: ParameterNames | None = None,
        weight_parameters: ParameterNames | None = None,
        initialization: InitialDistribution | ArrayLike | None = None,
        random_state: np.random.Generator | int | None = None,
        gradient: str | GradientMethod = "auto",
        connection: Connection | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        precision = torch.get_default_dtype() if dtype is None else dtype
        check_precision("dtype", precision)
        self.layer = QuantumLayer(
            circuit,
            observables,
            num_features=num_features,
            input_parameters=input_parameters,
            weight_parameters=weight_parameters,
            initialization=initialization,
            random_state=int(torch.randint(2**31, ())) if random_state is None else random_state,
            gradient=gradient,
            connection=connection,
        )
        self.weights = torch.nn.Parameter(torch.from_numpy(self.layer.initial_weights()).to(precision))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the expectation values.

        Args:
            inputs: Shape (…, F), float32 or float64.

        Returns:
            Shape (…, M).

        Raises:
            TypeError: The inputs or weights are no tensor or have another precision.
            ValueError: The inputs have another width, or a number is not finite, or the weights are on another device.
        """
        return apply(self.layer, inputs, self.weights)

    def extra_repr(self) -> str:
        """Return what PyTorch prints of the layer."""
        layer = self.layer
        return f"num_inputs={layer.num_inputs}, num_weights={layer.num_weights}, num_outputs={layer.num_outputs}"
