"""Claim: adaptive shots give the exact kernel's decisions for a fifth of uniform shots of all entries, on 3 of 4 sets.

What is adaptive here is ``AdaptiveQuantumSVC``, which sees labels. ``FidelityKernel(shots="adaptive")`` stands beside
it, which does not: it gives every entry the error that the worst one has under uniform shots, and the claim is that
this takes fewer of them; no goal is set for how many.

On each data set and seed an ``AdaptiveQuantumSVC`` is fitted on 40 samples and decides the others; its decisions and
those of a machine with the same number of shots for every entry are compared with those of the exact kernel. The rival
is the number of uniform shots that gives as many equal decisions. The noise of S shots is proportional to 1/√S, and so
is the share of decisions that it changes: the factor is the geometric mean over all powers of two whose share is
between 0.2 % and 5 %, since the share of a single one hangs on a few samples at the boundary. Shots are counted twice:
for all entries between new and training samples, as ``SVC(kernel=…)`` and qiskit-machine-learning's ``QSVC`` ask for
them, and for those with support vectors only, as our ``QuantumSVC`` does. Beside the second rival the factors are half
to two thirds as large, and no goal is set.

Six seeds know a factor of one data set to about twice or half of it only, as both shares of changed decisions, whose
squares it is made of, are small numbers of samples. So each factor has an interval: from the 5th to the 95th percentile
over bootstrap samples of the seeds, which for six of them is itself rough. It reaches below 5 on two data sets whose
factors do not: that *one* of them has a factor of 5 is not claimed. ``per seed`` has the shots and the equal decisions
of each.

For the kernel without labels all entries are measured, with even errors in place of 4,096 uniform shots: how many shots
that takes, the largest error that it leaves, and how many uniform shots give as many equal decisions. Uniform shots are
more precise than promised where entries are near 0 and 1; what these leave in the mean over all entries beside as many
uniform ones stands at ``EvenErrors``, so that the last ratio may lie on either side of 1.

Goal: at least 99 % equal decisions and a ratio of at least 5, all entries counted, on three of four data sets. What
the share comes to on one of them depends on how many of its new samples lie at the boundary.

    python benchmarks/adaptive_shots_campaign.py                       some minutes on one core
    python benchmarks/adaptive_shots_campaign.py --seeds 1 --new 20    some seconds, to see that it works
    python benchmarks/adaptive_shots_campaign.py --again FILE          sums up the rows of a file anew; nothing runs

The whole campaign writes ``benchmarks/results/adaptive_shots_campaign.json``; another one writes where ``--output``
says.
"""

import argparse
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import AdaptiveShots, FidelityKernel
from qiskit_qml_ext.models import AdaptiveQuantumSVC
from qiskit_qml_ext.primitives import connect

RESULTS = Path(__file__).parent / "results" / "adaptive_shots_campaign.json"
NUM_TRAINING, SEEDS, NEW = 40, 6, 300
SHARE, RATIO = 0.99, 5.0
AGREEMENT = 0.993  # kept on average over sets of data only; above the goal, so that the mean of six seeds reaches 0.99
BOOTSTRAPS = 2000
UNIFORM = 2 ** np.arange(4, 17)
EVEN = 4096  # uniform shots, whose worst error all entries get


def moons(number, seed):
    samples, labels = datasets.make_moons(number, noise=0.2, random_state=seed)
    return StandardScaler().fit_transform(samples), labels, AngleFeatureMap(bandwidth=1.0)


def circles(number, seed):
    samples, labels = datasets.make_circles(number, noise=0.1, factor=0.4, random_state=seed)
    return StandardScaler().fit_transform(samples), labels, ZZFeatureMap(bandwidth=0.4)


def components(samples, labels, number, seed):
    """Four principal components of a random choice of samples."""
    samples = PCA(4, random_state=0).fit_transform(StandardScaler().fit_transform(samples))
    chosen = np.random.default_rng(seed).permutation(len(samples))[:number]
    return (samples / samples.std(axis=0))[chosen], labels[chosen], AngleFeatureMap(bandwidth=0.7)


def breast_cancer(number, seed):
    return components(*datasets.load_breast_cancer(return_X_y=True), number, seed)


def digits(number, seed):
    samples, labels = datasets.load_digits(return_X_y=True)
    kept = np.isin(labels, (3, 8))
    return components(samples[kept], labels[kept] == 8, number, seed)


DATA = {"moons": moons, "breast cancer": breast_cancer, "digits 3 and 8": digits, "circles": circles}
REACHED = 3  # of the data sets


def run(name, seed, new):
    """Return the outcome of one data set and seed."""
    samples, labels, feature_map = DATA[name](NUM_TRAINING + new, seed)
    train, test, known = samples[:NUM_TRAINING], samples[NUM_TRAINING:], labels[:NUM_TRAINING]
    exact = FidelityKernel(feature_map)
    matrix, rows = exact.evaluate(train), exact.evaluate(test, train)
    wanted = machine(matrix, known).decision_function(rows) > 0
    connection = connect("exact", shots=1, seed=seed)
    model = AdaptiveQuantumSVC(
        FidelityKernel(feature_map, connection=connection),
        shots=AdaptiveShots(agreement=AGREEMENT),
        tol=1e-6,
        random_state=seed,
    ).fit(train, known)
    equal = float(np.mean((model.decision_function(test) > 0) == wanted))
    usage = connection.usage
    return {
        "data": name,
        "seed": seed,
        "equal": equal,
        "shots": usage.shots,
        "training shots": model.shots_,
        "jobs": usage.jobs,
        "expected changes": model.expected_changes_,
        "stopped because": model.stopped_because_,
        "even": even(feature_map, train, test, known, wanted, matrix, rows, seed),
        "uniform": [uniform(matrix, rows, known, wanted, int(shots), seed) for shots in UNIFORM],
    }


def even(feature_map, train, test, labels, wanted, exact, exact_rows, seed):
    """Return the share of equal decisions, the cost and the errors of a kernel with even errors."""
    connection = connect("exact", shots=EVEN, seed=seed)
    kernel = FidelityKernel(feature_map, connection=connection, shots="adaptive")
    promised = 0.5 / np.sqrt(EVEN)
    expected = kernel.plan(train).expected_executions + kernel.plan(test, train).expected_executions
    matrix, rows = kernel.evaluate(train), kernel.evaluate(test, train)
    errors = np.concatenate([(matrix - exact)[np.triu_indices(len(matrix), 1)], (rows - exact_rows).ravel()])
    entries = np.concatenate([exact[np.triu_indices(len(matrix), 1)], exact_rows.ravel()])
    tenths = np.minimum(10 * entries, 9).astype(int)
    return {
        "equal": float(np.mean((machine(matrix, labels).decision_function(rows) > 0) == wanted)),
        "shots": connection.usage.shots,
        "expected shots": expected,
        "uniform shots": EVEN * errors.size,
        "error": float(np.sqrt(np.mean(errors**2)) / promised),
        "error of the worst tenth of the range": max(
            float(np.sqrt(np.mean(errors[tenths == tenth] ** 2)) / promised)
            for tenth in range(10)
            if np.count_nonzero(tenths == tenth) > 100
        ),
    }


def uniform(matrix, rows, labels, wanted, shots, seed):
    """Return the share of equal decisions and the cost of one number of shots for every entry."""
    rng = np.random.default_rng([seed, shots])
    drawn = np.triu(rng.binomial(shots, np.clip(matrix, 0, 1)) / shots, 1)
    fitted = machine(drawn + drawn.T + np.eye(len(drawn)), labels)
    values = fitted.decision_function(rng.binomial(shots, np.clip(rows, 0, 1)) / shots)
    pairs = len(matrix) * (len(matrix) - 1) // 2
    return {
        "shots of an entry": shots,
        "equal": float(np.mean((values > 0) == wanted)),
        "shots": shots * (pairs + rows.size),
        "shots with support vectors only": shots * (pairs + len(rows) * len(fitted.support_)),
    }


def machine(matrix, labels):
    return SVC(kernel="precomputed", tol=1e-6).fit(matrix, labels)


def summary(rows):
    """Return what the seeds of one data set come to, with an interval of each factor."""
    return {
        **factors(rows),
        "ratio interval": intervals(rows),
        "per seed": {name: [row[name] for row in rows] for name in ("equal", "shots")},
    }


def intervals(rows):
    """Return the 5th and the 95th percentile of each factor over bootstrap samples of the seeds."""
    if len(rows) < 2:
        return {}
    drawn = np.random.default_rng(0).integers(0, len(rows), (BOOTSTRAPS, len(rows)))
    ratios = [factors([rows[seed] for seed in seeds])["ratio"] for seeds in drawn]
    return {name: np.percentile([one[name] for one in ratios], [5, 95]).tolist() for name in ratios[0]}


def factors(rows):
    """Return what the rows of one data set come to."""
    equal, shots = np.mean([row["equal"] for row in rows]), np.mean([row["shots"] for row in rows])
    of_rival = [[row["uniform"][place] for row in rows] for place in range(len(UNIFORM))]
    changed = 1 - np.array([np.mean([one["equal"] for one in same]) for same in of_rival])
    seen = (changed >= 0.002) & (changed <= 0.05)
    factor = np.exp(np.mean(np.log(changed[seen] * np.sqrt(UNIFORM[seen])))) if seen.any() else np.nan
    as_good = (factor / max(1 - equal, 1e-9)) ** 2
    ratios = {}
    for counted, key in (("all entries", "shots"), ("entries with support vectors", "shots with support vectors only")):
        entries = np.mean([one[key] / one["shots of an entry"] for same in of_rival for one in same])
        ratios[counted] = float(as_good * entries / shots)
    return {
        "equal": float(equal),
        "shots": float(shots),
        "uniform shots of an entry": float(as_good),
        "ratio": ratios,
        "kernel with even errors": summary_of_even([row["even"] for row in rows], factor),
    }


def summary_of_even(rows, factor):
    """Return what the kernel without labels comes to: shots against those promised, and against equal decisions."""
    equal, shots = np.mean([one["equal"] for one in rows]), np.mean([one["shots"] for one in rows])
    promised = np.mean([one["uniform shots"] for one in rows])
    as_good = (factor / max(1 - equal, 1e-9)) ** 2
    return {
        "equal": float(equal),
        "shots": float(shots),
        "ratio for the same worst error": float(promised / shots),
        "ratio for as many equal decisions": float(as_good / EVEN * promised / shots),
        "error over the promised one": float(max(one["error of the worst tenth of the range"] for one in rows)),
    }


def about_this_machine():
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("qiskit", "scikit-learn", "numpy", "scipy")},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--new", type=int, default=NEW)
    parser.add_argument("--output", help="write the outcome as JSON")
    parser.add_argument("--again", metavar="FILE", help="sum up the rows of an earlier run anew, in place")
    arguments = parser.parse_args()
    stored = json.loads(Path(arguments.again).read_text()) if arguments.again else None
    rows, told = [], {}
    for name in DATA:
        rows += (
            [row for row in stored["rows"] if row["data"] == name]
            if stored
            else [run(name, seed, arguments.new) for seed in range(arguments.seeds)]
        )
        told[name] = summary([row for row in rows if row["data"] == name])
        print(name, told[name], flush=True)
    whole = (arguments.seeds, arguments.new) == (SEEDS, NEW)
    output = arguments.output or arguments.again or (RESULTS if whole else None)
    if output:
        about = stored["about"] if stored else about_this_machine()
        Path(output).write_text(json.dumps({"summary": told, "rows": rows, "about": about}, indent=1) + "\n")
    reached = [one["equal"] >= SHARE and one["ratio"]["all entries"] >= RATIO for one in told.values()]
    sys.exit(0 if sum(reached) >= REACHED else 1)


if __name__ == "__main__":
    main()
