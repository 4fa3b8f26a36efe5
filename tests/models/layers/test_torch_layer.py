import copy
import io
import pickle

import layer_case as case
import numpy as np
import pytest
from frameworks import framework

from qiskit_qml_ext.models import QuantumLayer

torch = framework("torch")
from qiskit_qml_ext.models import TorchLayer  # noqa: E402


def layer_of_the_case(**settings):
    return TorchLayer(case.CIRCUIT, case.OBSERVABLES, **{**case.ARGUMENTS, "dtype": torch.float64, **settings})


INPUTS = torch.from_numpy(case.INPUTS)


def called(layer, inputs, weights):
    return torch.func.functional_call(layer, {"weights": weights}, (inputs,))


def test_values_and_gradients_are_those_of_the_core():
    layer, core = layer_of_the_case(), QuantumLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS)
    inputs = INPUTS.clone().requires_grad_()
    outputs = layer(inputs)
    outputs.backward(torch.from_numpy(case.TARGETS))
    by_inputs, by_weights = core.vjp(case.INPUTS, case.START, case.TARGETS)
    np.testing.assert_array_equal(outputs.detach().numpy(), core(case.INPUTS, case.START))
    np.testing.assert_array_equal(inputs.grad.numpy(), by_inputs)
    np.testing.assert_array_equal(layer.weights.grad.numpy(), by_weights)


def test_gradients_pass_pytorchs_own_check():
    layer = layer_of_the_case()
    inputs = INPUTS[:3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w: called(layer, x, w), (inputs, layer.weights))


@pytest.mark.parametrize(
    ("inputs", "weights"), [("float32", "float32"), ("float64", "float32"), ("float32", "float64")]
)
def test_outputs_have_the_wider_precision_and_gradients_that_of_their_tensor(inputs, weights):
    layer = layer_of_the_case(dtype=getattr(torch, weights))
    x = INPUTS.clone().to(getattr(torch, inputs)).requires_grad_()
    outputs = layer(x)
    outputs.sum().backward()
    assert outputs.dtype == (torch.float32 if inputs == weights == "float32" else torch.float64)
    assert x.grad.dtype == x.dtype
    assert layer.weights.grad.dtype == layer.weights.dtype
    exact = layer.layer(x.detach().double().numpy(), layer.weights.detach().double().numpy())
    np.testing.assert_array_equal(outputs.detach().numpy(), exact.astype(outputs.detach().numpy().dtype))


def test_a_single_observable_has_the_gradients_of_the_core_too():
    layer = TorchLayer(case.CIRCUIT, case.OBSERVABLES[1], **case.ARGUMENTS, dtype=torch.float64)
    inputs, cotangents = INPUTS.clone().requires_grad_(), torch.from_numpy(case.TARGETS[:, 1:])
    layer(inputs).backward(cotangents)
    by_inputs, by_weights = layer.layer.vjp(case.INPUTS, case.START, case.TARGETS[:, 1:])
    np.testing.assert_allclose(inputs.grad.numpy(), by_inputs, atol=1e-14)
    np.testing.assert_allclose(layer.weights.grad.numpy(), by_weights, atol=1e-14)
    gradient = torch.autograd.grad(layer(INPUTS).sum(), layer.weights, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        gradient.sum().backward()


def test_weights_that_changed_between_the_passes_are_noticed():
    layer = layer_of_the_case()
    loss = layer(INPUTS).sum()
    with torch.no_grad():
        layer.weights += 1.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("observables", [case.OBSERVABLES, case.OBSERVABLES[0]])
def test_jacobians_by_torch_func_agree_with_a_loop(observables):
    layer = TorchLayer(case.CIRCUIT, observables, **case.ARGUMENTS, dtype=torch.float64)
    weights = layer.weights.detach()
    by_vmap = torch.func.jacrev(lambda w: called(layer, INPUTS[:4], w))(weights)
    by_loop = torch.autograd.functional.jacobian(lambda w: called(layer, INPUTS[:4], w), weights)
    torch.testing.assert_close(by_vmap, by_loop, atol=1e-14, rtol=0)


def test_state_is_saved_and_loaded_as_a_plain_tensor():
    layer, other = layer_of_the_case(), layer_of_the_case(initialization=np.zeros(6))
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert list(layer.state_dict()) == ["weights"]
    assert torch.equal(other(INPUTS), layer(INPUTS))


def test_copies_and_pickled_layers_give_the_same_and_train_apart():
    layer = layer_of_the_case()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(INPUTS), layer(INPUTS))
        with torch.no_grad():
            other.weights += 1.0
        assert not torch.equal(other(INPUTS), layer(INPUTS))


class _Encoded(torch.utils.data.Dataset):
    """A data set whose workers run the layer."""

    def __init__(self, layer):
        self.layer = layer

    def __len__(self):
        return len(INPUTS)

    def __getitem__(self, place):
        with torch.no_grad():
            return self.layer(INPUTS[place])


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_workers_of_a_data_loader_run_the_layer(start):
    layer = layer_of_the_case()
    here = layer(INPUTS).detach()  # the engine's threads are running when the workers are forked
    loader = torch.utils.data.DataLoader(
        _Encoded(layer), batch_size=4, num_workers=2, multiprocessing_context=start, timeout=120
    )
    there = torch.cat(list(loader))
    assert torch.equal(there, here)


def test_second_derivatives_are_refused_in_words():
    layer = layer_of_the_case()
    gradient = torch.autograd.grad(layer(INPUTS).sum(), layer.weights, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        gradient.sum().backward()


def test_vmap_and_functional_gradients_agree_with_loops():
    layer = layer_of_the_case()
    several = torch.stack([layer.weights.detach() + shift for shift in (0.0, 0.1, 0.7)])

    def loss(weights, inputs):
        return called(layer, inputs, weights).square().sum()

    batched = torch.vmap(lambda weights: called(layer, INPUTS, weights))(several)
    torch.testing.assert_close(batched, torch.stack([called(layer, INPUTS, one) for one in several]), atol=0, rtol=0)
    gradients = torch.vmap(torch.func.grad(loss), (0, None))(several, INPUTS)
    expected = torch.stack([torch.func.grad(loss)(one, INPUTS) for one in several])
    torch.testing.assert_close(gradients, expected, atol=1e-14, rtol=0)
    of_each_sample = torch.vmap(torch.func.grad(loss), (None, 0))(several[0], INPUTS)
    torch.testing.assert_close(of_each_sample.sum(0), expected[0], atol=1e-13, rtol=0)


# PyTorch looks at .grad of whatever enters a compiled part, and hides its own warning of that only from people's eyes
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_compiled_models_compute_and_train_alike():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), layer_of_the_case(), torch.nn.Linear(2, 1)).double()
    compiled = torch.compile(model, backend="eager")
    results = []
    for one in (model, compiled):
        model.zero_grad()
        one(INPUTS).square().sum().backward()
        results.append([parameter.grad.clone() for parameter in model.parameters()])
    torch.testing.assert_close(results[0], results[1], atol=1e-12, rtol=0)


def test_pytorchs_seed_governs_the_initial_weights():
    def drawn():
        torch.manual_seed(5)
        return layer_of_the_case(initialization=None).weights

    assert torch.equal(drawn(), drawn())
    assert not torch.equal(layer_of_the_case(initialization=None).weights, drawn())


def test_frozen_weights_get_no_gradient_and_inputs_do():
    layer = layer_of_the_case().requires_grad_(False)
    inputs = INPUTS.clone().requires_grad_()
    layer(inputs).sum().backward()
    assert layer.weights.grad is None
    assert inputs.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda layer: layer(case.INPUTS), TypeError, "torch.as_tensor"),
        (lambda layer: layer(INPUTS[:, :2]), ValueError, r"shape \(…, 3\)"),
        (lambda layer: layer(INPUTS * torch.nan), ValueError, "is nan"),
        (lambda layer: layer(INPUTS.half()), TypeError, "float16"),
        (lambda layer: layer(INPUTS.bfloat16()), TypeError, "bfloat16"),
        (lambda layer: layer(INPUTS.long()), TypeError, "int64"),
        (lambda layer: layer.to(torch.bfloat16)(INPUTS), TypeError, "weights must be float32"),
        (lambda layer: layer(INPUTS.to("meta")), ValueError, "device meta"),
        (lambda layer: layer.load_state_dict({"weights": torch.zeros(4)}), RuntimeError, "size mismatch"),
        (lambda _: layer_of_the_case(dtype=torch.float16), TypeError, "dtype must be float32"),
        (lambda _: layer_of_the_case(initialization=np.zeros(5)), ValueError, "6 weights"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call(layer_of_the_case())
