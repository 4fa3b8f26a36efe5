"""``qiskit-qml-ext diagnose``: will an ansatz train, and is a kernel any good on data?"""

from typing import TYPE_CHECKING, Any

import click

from qiskit_qml_ext.commands.user_input import bad_input, check_files, data_options, load_data

if TYPE_CHECKING:
    from qiskit_qml_ext.diagnostics import Diagnosis

_OBSERVABLES = {
    "local": "local_observable",
    "mean": "averaged_local_observable",
    "global": "global_observable",
    "projector": "global_projector",
}

_POSITIVE = click.FloatRange(min=0, min_open=True)


@click.group("diagnose")
def command() -> None:
    """Will this ansatz train, and is this kernel any good?

    Findings in plain words with confidence intervals, what to do, and the price in shots, or on a backend.
    """


def _output_options(function: Any) -> Any:
    for option in (
        click.option("--json", "json_file", type=click.Path(), metavar="FILE.json", help="Write the report as JSON."),
        click.option("--report", type=click.Path(), metavar="FILE.html", help="Write the report as one page."),
        click.option("--budget", type=_POSITIVE, default=60.0, show_default=True, help="Seconds to spend, roughly."),
        click.option(
            "--samples", type=click.IntRange(min=4), default=200, show_default=True, help="Random points or samples."
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything random."
        ),
        click.option("--noise", metavar="NAME", help="A fake device whose reported errors are simulated."),
        click.option(
            "--optimization-level",
            type=click.IntRange(0, 3),
            default=1,
            show_default=True,
            help="The transpiler's, for the target: 3 looks for the best qubits.",
        ),
        click.option(
            "--price-per-minute",
            type=click.FloatRange(min=0),
            metavar="X",
            help="The price of a minute of the target's processor time.",
        ),
        click.option(
            "--target",
            metavar="NAME",
            help="What it would take there, without running it: a name as connect() takes it: aer, fake_fez, …",
        ),
    ):
        function = option(function)
    return function


@command.command(
    "ansatz",
    epilog="""\b
Examples:
  qiskit-qml-ext diagnose ansatz hardware-efficient --qubits 8 --layers-per-qubit 3 --observable global
  qiskit-qml-ext diagnose ansatz real-amplitudes --qubits 100 --reps 4
  qiskit-qml-ext diagnose ansatz hardware-efficient --noise fake_fez --report ansatz.html
  qiskit-qml-ext diagnose ansatz hardware-efficient --target fake_fez --price-per-minute 96""",
)
@click.argument("name")
@click.option(
    "--qubits", "num_qubits", type=click.IntRange(min=1), default=8, show_default=True, help="The number of qubits."
)
@click.option("--reps", type=click.IntRange(min=1), help="The number of layers.  [default: the ansatz's own]")
@click.option("--layers-per-qubit", type=_POSITIVE, help="Instead of --reps: layers that grow with the qubits.")
@click.option(
    "--observable",
    type=click.Choice(list(_OBSERVABLES)),
    default="local",
    show_default=True,
    help="Z on one qubit, the mean of all Z, the parity, or the projector on zeros.",
)
@_output_options
def ansatz_command(
    name: str,
    num_qubits: int,
    reps: int | None,
    layers_per_qubit: float | None,
    observable: str,
    target: str | None,
    price_per_minute: float | None,
    optimization_level: int,
    noise: str | None,
    samples: int,
    budget: float,
    seed: int,
    report: str | None,
    json_file: str | None,
) -> None:
    """Will the ansatz NAME train? (hardware-efficient, real-amplitudes, matchgate, sim, …)."""
    with bad_input():
        from qiskit_qml_ext import diagnostics
        from qiskit_qml_ext.circuits import ansatz_by_name

        check_files({"--report": report, "--json": json_file})
        if reps is not None and layers_per_qubit is not None:
            raise ValueError("Give --reps or --layers-per-qubit, not both.")
        depths: Any = reps
        if layers_per_qubit is not None:
            depths = lambda n: max(1, round(layers_per_qubit * n))  # noqa: E731
        diagnosis = diagnostics.diagnose(
            ansatz_by_name(name),
            observable=getattr(diagnostics, _OBSERVABLES[observable]),
            num_qubits=num_qubits,
            depths=depths,
            noise=_device(noise),
            **_backend(target, price_per_minute, optimization_level, seed),
            num_samples=samples,
            max_seconds=budget,
            seed=seed,
        )
        _finish(diagnosis, report, json_file)


@command.command(
    "kernel",
    epilog="""\b
Examples:
  qiskit-qml-ext diagnose kernel zz breast_cancer --qubits 8
  qiskit-qml-ext diagnose kernel zz iris --noise fake_fez --target fake_fez --price-per-minute 96
  qiskit-qml-ext diagnose kernel iqp my_data.csv --label diagnosis --bandwidth 0.1 --report kernel.html""",
)
@click.argument("name")
@data_options
@click.option(
    "--qubits",
    "num_components",
    type=click.IntRange(min=1),
    help="Keep so many principal components.  [default: at most 8]",
)
@click.option("--bandwidth", type=_POSITIVE, help="The factor on the scaled data.  [default: the map's own]")
@_output_options
def kernel_command(
    name: str,
    num_components: int | None,
    bandwidth: float | None,
    target: str | None,
    price_per_minute: float | None,
    optimization_level: int,
    noise: str | None,
    samples: int,
    budget: float,
    seed: int,
    report: str | None,
    json_file: str | None,
    **options: Any,
) -> None:
    """Is the fidelity kernel of the feature map NAME (zz, iqp, angle, …) any good on DATA?

    DATA is a bundled data set, such as breast_cancer (any other word lists them all), or a CSV or Parquet file.
    """
    with bad_input():
        from qiskit_qml_ext.circuits import feature_map_by_name
        from qiskit_qml_ext.diagnostics import diagnose
        from qiskit_qml_ext.evaluation.protocol.preparation import quantum_preparation

        check_files({"--report": report, "--json": json_file}, data=options["data"])
        dataset = load_data(options)
        feature_map = feature_map_by_name(name)
        if bandwidth is not None:
            feature_map.set_params(bandwidth=bandwidth)
        if num_components is not None and num_components > dataset.num_features:
            raise ValueError(
                f"--qubits asks for {num_components} principal components, but {dataset.name!r} has "
                f"{dataset.num_features} "
                f"features. Ask for at most {dataset.num_features}."
            )
        width = min(dataset.num_features, num_components or 8)
        reduced = width if width < dataset.num_features else None
        X = quantum_preparation(feature_map, num_components=reduced).fit_transform(dataset.X)
        diagnosis = diagnose(
            feature_map,
            X,
            dataset.labels,
            noise=_device(noise),
            **_backend(target, price_per_minute, optimization_level, seed),
            num_samples=samples,
            max_seconds=budget,
            seed=seed,
        )
        for note in dataset.notes:
            click.echo(f"Note: {note}")
        _finish(diagnosis, report, json_file)


def _device(noise: str | None) -> Any:
    if noise is None:
        return None
    from qiskit_qml_ext.primitives.targets import fake_backend

    return fake_backend(noise)


def _backend(target: str | None, price_per_minute: float | None, optimization_level: int, seed: int) -> dict[str, Any]:
    """The arguments that name the backend whose price is wanted."""
    if target is None:
        if price_per_minute is not None:
            raise ValueError("--price-per-minute came without a backend. Say which one with --target.")
        return {}
    from qiskit_qml_ext.primitives import connect

    return {
        "connection": connect(target, seed=seed, optimization_level=optimization_level),
        "price_per_minute": price_per_minute,
    }


def _finish(diagnosis: "Diagnosis", report: str | None, json_file: str | None) -> None:
    click.echo(diagnosis.summary())
    for path in filter(None, (report, json_file)):
        click.echo(f"Wrote {diagnosis.save(path)}", err=True)
