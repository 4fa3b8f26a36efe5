"""Train, save and load the common model with Keras on the backend that the environment names; print what came out."""

import json
import sys

import layer_case as case
import numpy as np


def plain_descent(keras, model, layer):
    """The weights after the common steps of gradient descent; Keras's loss is the mean over samples and outputs."""
    model.compile(keras.optimizers.SGD(case.RATE), "mse")
    history = model.fit(
        case.INPUTS, case.TARGETS, batch_size=len(case.INPUTS), epochs=case.STEPS, shuffle=False, verbose=0
    )
    return np.asarray(keras.ops.convert_to_numpy(layer.angles)), history.history["loss"]


def main(path):
    import keras

    from qiskit_qml_ext.models import KerasLayer

    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    keras.config.set_floatx("float64")
    layer = KerasLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS)
    model = keras.Sequential([keras.Input((case.NUM_FEATURES,)), layer])
    weights, losses = plain_descent(keras, model, layer)
    model.save(path)
    loaded = keras.saving.load_model(path)
    before, after = (np.asarray(one.predict(case.INPUTS, verbose=0)) for one in (model, loaded))
    config = json.loads(json.dumps(layer.get_config()))
    again = KerasLayer.from_config(config)
    hybrid = keras.Sequential(
        [keras.Input((5, 4)), keras.layers.Dense(3), KerasLayer.from_config({**config, "name": "inner"})]
    )
    print(
        json.dumps(
            {
                "backend": keras.backend.backend(),
                "weights": weights.tolist(),
                "losses": losses,
                "loaded_difference": float(np.abs(before - after).max()),
                "dtype": str(before.dtype),
                "start": again.initial_weights.tolist(),
                "same_config": again.get_config() == config,
                "shape": list(hybrid.output_shape),
                "sequence": list(hybrid.predict(np.zeros((2, 5, 4)), verbose=0).shape),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
