"""How noisy a gradient method is."""

from qiskit_qml_ext.gradients import FiniteDifferenceGradient, HadamardTestGradient, SPSAGradient
from qiskit_qml_ext.gradients.methods.finite_difference import NOISY_STEP


def relative_noise(method: object) -> float:
    """Return the variance of a derivative beside that by parameter shifts with as many shots of each circuit.

    One shot has about the variance σ² everywhere: with S of them two shifted circuits leave σ²/(2S), one Hadamard test
    σ²/S, differences of the fourth order Σ_s w_s² σ²/(h² S), and D random directions σ²/(2c² D S), without the scatter
    of the directions themselves. Methods that are not known count as shifts.
    """
    if isinstance(method, HadamardTestGradient):
        return 2.0
    if isinstance(method, FiniteDifferenceGradient):
        return 2 * (1 + 64 + 64 + 1) / 144 / (method.step or NOISY_STEP) ** 2
    if isinstance(method, SPSAGradient):
        return 1 / (method.perturbation**2 * method.num_directions)
    return 1.0
