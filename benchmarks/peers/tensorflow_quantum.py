"""TensorFlow Quantum with its adjoint differentiator; it computes in single precision."""

from typing import Any

import cirq
import numpy as np
import sympy
import tensorflow as tf
import tensorflow_quantum as tfq
from numpy.typing import NDArray

from benchmarks import inputs
from benchmarks.task import Case, Task

PACKAGES = ("tensorflow-quantum", "tensorflow", "cirq-core")


def training(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    features, weights = inputs.training_data(case)
    names = [f"v{column}" for column in range(num_qubits + len(weights))]
    line = cirq.LineQubit.range(num_qubits)
    rotations = {"rx": cirq.rx, "ry": cirq.ry, "rz": cirq.rz}
    circuit = cirq.Circuit(
        cirq.CNOT(*(line[qubit] for qubit in qubits))
        if name == "cx"
        else rotations[name](sympy.Symbol(names[column]))(line[qubits[0]])
        for name, qubits, column in inputs.training_gates(num_qubits, case["layers"])
    )
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


PREPARE = {"training": training}
