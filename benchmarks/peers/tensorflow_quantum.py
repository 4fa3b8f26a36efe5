"""TensorFlow Quantum with its adjoint differentiator; it computes in single precision."""

from typing import Any

import cirq
import numpy as np
import sympy
import tensorflow as tf
import tensorflow_quantum as tfq
from numpy.typing import NDArray

from benchmarks import inputs
from benchmarks.epoch import NUM_CLASSES, Pull, epoch_of, in_numpy, peak_of
from benchmarks.inputs import FloatArray, Gate
from benchmarks.task import Case, Task

PACKAGES = ("tensorflow-quantum", "tensorflow", "cirq-core")


def _circuit(gates: list[Gate], names: list[str], line: list[cirq.LineQubit]) -> cirq.Circuit:
    rotations = {"rx": cirq.rx, "ry": cirq.ry, "rz": cirq.rz}
    return cirq.Circuit(
        cirq.CNOT(*(line[qubit] for qubit in qubits))
        if name == "cx"
        else rotations[name](sympy.Symbol(names[column]))(line[qubits[0]])
        for name, qubits, column in gates
    )


def training(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    features, weights = inputs.training_data(case)
    names = [f"v{column}" for column in range(num_qubits + len(weights))]
    line = cirq.LineQubit.range(num_qubits)
    circuit = _circuit(inputs.training_gates(num_qubits, case["layers"]), names, line)
    expectation = tfq.differentiators.Adjoint().generate_differentiable_op(analytic_op=tfq.get_expectation_op())
    circuits = tfq.convert_to_tensor([circuit] * len(features))
    observables = tfq.convert_to_tensor([[cirq.Z(line[0])]] * len(features))
    encoded = tf.constant(features, dtype=tf.float32)
    trained = tf.Variable(weights, dtype=tf.float32)

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            repeated = tf.broadcast_to(trained, [len(features), len(weights)])
            z = expectation(circuits, tf.constant(names), tf.concat([encoded, repeated], axis=1), observables)
            loss = tf.reduce_mean(z**2)
        return loss, tape.gradient(loss, trained)

    def run() -> NDArray[Any]:
        loss, gradient = step()
        return np.concatenate([[loss.numpy()], gradient.numpy()])

    return Task(run)


def epoch(case: Case) -> Task:
    num_qubits, plan = case["num_qubits"], epoch_of(case)
    names = [f"v{column}" for column in range(num_qubits + plan.num_weights)]
    line = cirq.LineQubit.range(num_qubits)
    differentiator = tfq.differentiators.Adjoint()
    expectation = differentiator.generate_differentiable_op(analytic_op=tfq.get_expectation_op())
    circuits = tfq.convert_to_tensor([_circuit(plan.gates, names, line)] * len(plan.batches[0]))
    operators = [[cirq.PauliSum() + cirq.Z(line[k]) for k in range(NUM_CLASSES)]]
    observables = tfq.convert_to_tensor(operators * len(plan.batches[0]))

    def evaluate(features: FloatArray, weights: FloatArray) -> tuple[FloatArray, Pull]:
        trained = tf.constant(weights, dtype=tf.float32)
        encoded, number = tf.constant(features, dtype=tf.float32), len(features)
        with tf.GradientTape() as tape:
            tape.watch(trained)
            repeated = tf.broadcast_to(trained, [number, len(weights)])
            angles = tf.concat([encoded, repeated], axis=1)
            values = expectation(circuits[:number], tf.constant(names), angles, observables[:number])

        def pull(cotangents: FloatArray) -> FloatArray:
            seeds = tf.constant(cotangents, dtype=tf.float32)
            return np.asarray(tape.gradient(values, trained, output_gradients=seeds), dtype=np.float64)

        return values.numpy().astype(np.float64), pull

    return in_numpy(plan, evaluate)


PREPARE = {"training": training, "epoch": epoch, "epoch_memory": peak_of(epoch)}
