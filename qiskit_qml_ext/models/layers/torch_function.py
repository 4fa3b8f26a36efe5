"""The values of a layer as a function that PyTorch can differentiate."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer

_PRECISIONS = (torch.float32, torch.float64)


class _Eager(torch.autograd.Function):
    """Values of a layer, outside of the transforms of ``torch.func``, of which it knows nothing: the fast one."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, weights: torch.Tensor, layer: QuantumLayer) -> torch.Tensor:
        by_inputs, by_weights, _ = ctx.needs_input_grad
        x, w = _numbers(inputs), _numbers(weights)
        if by_inputs or by_weights:
            ctx.save_for_backward(inputs, weights)
            ctx.layer = layer
            values, ctx.pullback = layer.linearized(x, w, by_inputs=by_inputs, by_weights=by_weights)
        else:
            values = layer(x, w)
        return _tensor(values, torch.promote_types(inputs.dtype, weights.dtype), inputs.device)

    @staticmethod
    def backward(ctx: Any, cotangents: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        inputs, weights = ctx.saved_tensors  # raises if one was changed in place
        if torch.is_grad_enabled() or _is_transformed():
            by_inputs, by_weights = _Gradients.apply(inputs, weights, cotangents, ctx.layer)
            return by_inputs, by_weights, None
        by_x, by_w = ctx.pullback(_numbers(cotangents))
        return (
            None if by_x is None else _tensor(by_x, inputs.dtype, inputs.device),
            None if by_w is None else _tensor(by_w, weights.dtype, weights.device),
            None,
        )


class _Expectations(torch.autograd.Function):
    """Values of a layer for ``torch.func``; its gradients are a function of their own, which can be transformed too."""

    @staticmethod
    def forward(inputs: torch.Tensor, weights: torch.Tensor, layer: QuantumLayer) -> torch.Tensor:
        dtype = torch.promote_types(inputs.dtype, weights.dtype)
        return _tensor(layer(_numbers(inputs), _numbers(weights)), dtype, inputs.device)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.layer = inputs[2]

    @staticmethod
    def backward(ctx: Any, cotangents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        by_inputs, by_weights = _Gradients.apply(*ctx.saved_tensors, cotangents, ctx.layer)
        return by_inputs, by_weights, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[torch.Tensor, int]:
        inputs, weights, layer = arguments
        stacked = _stacked(info.batch_size, in_dims, inputs, weights)
        return _Expectations.apply(stacked[0], _aligned(stacked[1], stacked[0]), layer), 0


class _Gradients(torch.autograd.Function):
    """Gradients of the layer's outputs, weighted by cotangents."""

    @staticmethod
    def forward(
        inputs: torch.Tensor, weights: torch.Tensor, cotangents: torch.Tensor, layer: QuantumLayer
    ) -> tuple[torch.Tensor, torch.Tensor]:
        by_inputs, by_weights = layer.vjp(_numbers(inputs), _numbers(weights), _numbers(cotangents))
        return _tensor(by_inputs, inputs.dtype, inputs.device), _tensor(by_weights, weights.dtype, weights.device)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep nothing: there is no second derivative."""

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> None:
        raise NotImplementedError(
            "A quantum layer has first derivatives only, but its gradients were differentiated (create_graph=True, "
            "torch.autograd.functional.hessian or the like). Detach them, or take finite differences of gradients."
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[tuple[torch.Tensor, ...], Any]:
        inputs, weights, cotangents, layer = arguments
        x, w, dual = _stacked(info.batch_size, in_dims, inputs, weights, cotangents)
        by_inputs, by_weights = _Gradients.apply(x, _aligned(w, x), dual, layer)
        return (by_inputs, by_weights.reshape(w.shape)), (0, 0)


def _numbers(tensor: torch.Tensor) -> AnyArray:
    array: AnyArray = tensor.numpy(force=True)
    return array


def _tensor(array: FloatArray, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    return tensor if dtype == torch.float64 and device.type == "cpu" else tensor.to(device, dtype)


def _stacked(size: int, dims: Sequence[int | None], *tensors: torch.Tensor) -> list[torch.Tensor]:
    """The tensors with the axis that ``torch.vmap`` goes over first, whether they vary along it or not."""
    return [
        tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
        for tensor, dim in zip(tensors, dims, strict=False)
    ]


def _aligned(weights: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Weights (V, W) as (V, 1, …, 1, W), so that their first axis meets the first one of the inputs."""
    missing = (1,) * (inputs.ndim - weights.ndim)
    return weights.reshape(weights.shape[0], *missing, *weights.shape[1:])


# PyTorch asks for the signatures at each call, and Python takes longer to find one than a small circuit takes to run.
for _function in (_Expectations.forward, _Gradients.forward):
    setattr(_function, "__signature__", inspect.signature(_function))  # noqa: B010

_is_transformed = torch._C._are_functorch_transforms_active  # what PyTorch's own Function.apply asks


def _evaluated(inputs: torch.Tensor, weights: torch.Tensor, layer: QuantumLayer) -> torch.Tensor:
    function = _Expectations if _is_transformed() else _Eager
    outputs: torch.Tensor = function.apply(inputs, weights, layer)
    return outputs


# What torch.compile compiles ends before the circuit and begins again behind it.
_boundary = torch.compiler.disable(_evaluated)


def apply(layer: QuantumLayer, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the expectation values of a layer.

    Args:
        layer: The layer.
        inputs: Shape (…, F), float32 or float64.
        weights: Shape (W,), or (…, W) with as many axes as ``inputs``; on the same device.

    Returns:
        Shape (…, M), in the wider precision of the two, on their device.

    Raises:
        TypeError: Inputs or weights are no tensor, or have another precision.
        ValueError: The shapes do not fit, a number is not finite, or the weights are on another device.
    """
    if not (
        isinstance(inputs, torch.Tensor)
        and inputs.dtype in _PRECISIONS
        and weights.dtype in _PRECISIONS
        and inputs.device == weights.device
    ):
        _refuse(inputs, weights)
    # only while something is compiled: the boundary takes some 20 µs to cross
    evaluated = _boundary if torch.compiler.is_compiling() else _evaluated
    outputs: torch.Tensor = evaluated(inputs, weights, layer)
    return outputs


def _refuse(inputs: torch.Tensor, weights: torch.Tensor) -> None:
    """Say what is wrong with inputs or weights."""
    if not isinstance(inputs, torch.Tensor):
        raise TypeError(f"inputs must be a tensor, but a {type(inputs).__name__} came. Use torch.as_tensor.")
    check_precision("inputs", inputs.dtype)
    check_precision("weights", weights.dtype)
    raise ValueError(
        f"inputs are on the device {inputs.device} but the weights on {weights.device}. Move one to the other's "
        "with .to(device)."
    )


def check_precision(name: str, dtype: torch.dtype) -> None:
    """Refuse what is neither float32 nor float64."""
    if dtype not in _PRECISIONS:
        raise TypeError(
            f"{name} must be float32 or float64, in which angles mean something, but {dtype} came. Convert with "
            ".to(torch.float32), also where autocast makes lower precisions."
        )
