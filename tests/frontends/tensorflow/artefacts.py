"""The committed artefacts of TensorFlow 1.15 (tests/fixtures/tensorflow1) and how to compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import rnnlite

FOLDER = Path(__file__).parents[2] / "fixtures" / "tensorflow1"
NAMES = sorted(p.stem for p in FOLDER.glob("*.pb"))


def runs(name):
    """Inputs and outputs, by name, of each run in TensorFlow 1.15."""
    found = {}
    with np.load(FOLDER / f"{name}.npz") as file:
        for key in file.files:
            run, kind, tensor = key.split("/", 2)
            found.setdefault(run, {}).setdefault(kind, {})[tensor] = file[key]
    return list(found.values())


def error(converted, name):
    """The largest difference relative to the output's scale, over all runs that fit the inputs."""
    model = rnnlite.load(converted.tflite)
    worst, compared = 0.0, 0
    for run in runs(name):
        arrays = [run["in"][spec.name] for spec in model.inputs]
        fits = all(
            len(s.shape) == a.ndim
            and all(d in (None, n) for d, n in zip(s.shape, a.shape, strict=True))
            for s, a in zip(model.inputs, arrays, strict=True)
        )
        if not fits:
            continue
        compared += 1
        for spec, found in zip(model.outputs, model.run(arrays), strict=True):
            expected = run["out"][spec.name]
            assert found.shape == expected.shape, spec.name
            scale = np.max(np.abs(expected)) or 1.0
            worst = max(worst, float(np.max(np.abs(found - expected)) / scale))
    assert compared
    return worst
