"""What a noisy simulator reads, by its density matrices: the oracle of kernels under noise."""

import numpy as np
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error


def noise_model(gates=0.02, readout=None):
    """Return depolarising errors of two-qubit gates, a quarter of them for others, and a readout error of all qubits.

    Args:
        gates: The error of two-qubit gates.
        readout: P(1|0) and P(0|1), for all qubits or a pair for each.
    """
    noise = NoiseModel(basis_gates=["rz", "sx", "x", "cx"])
    noise.add_all_qubit_quantum_error(depolarizing_error(gates, 2), ["cx"])
    noise.add_all_qubit_quantum_error(depolarizing_error(gates / 4, 1), ["sx", "x"])
    if readout is not None and np.ndim(readout) == 1:
        noise.add_all_qubit_readout_error(_matrix(*readout))
    elif readout is not None:
        for qubit, rates in enumerate(readout):
            noise.add_readout_error(_matrix(*rates), [qubit])
    return noise


def _matrix(p, q):
    return ReadoutError([[1 - p, p], [q, 1 - q]])


def read(circuit, noise, readout=None):
    """Return the probabilities of what a bound circuit in the simulator's gates reads, the first bit as the last index.

    Args:
        circuit: With measurements of qubit j into bit j.
        noise: The errors of its gates.
        readout: P(1|0) and P(0|1), for all qubits or a pair for each.
    """
    measured = [circuit.find_bit(item.qubits[0]).index for item in circuit.data if item.operation.name == "measure"]
    bare = circuit.remove_final_measurements(inplace=False)
    bare.save_probabilities(measured)
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    probabilities = simulator.run(bare, shots=1).result().data()["probabilities"]
    if readout is None:
        return probabilities
    number = len(measured)
    rates = np.broadcast_to(readout, (number, 2))
    mixing = np.array([[1.0]])
    for p, q in rates:
        mixing = np.kron([[1 - p, q], [p, 1 - q]], mixing)  # the first qubit is the last index
    return mixing @ probabilities
