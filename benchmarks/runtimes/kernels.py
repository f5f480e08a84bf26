"""Which release is the first whose kernel of an op takes a type: asked of each, by running.

`python -m runtimes.kernels`, in the folder `benchmarks`, runs a model of one op for each of
`forms.FORMS` and each of its types on every runtime, with XNNPACK and without, and compares the
first release that is right (it, and all after it) with what `rnnlite.lite.requirements` asks for
such a model. It prints what is not known there, and ends with 1 if there is any.

Versions do not tell this: many kernels look at the type only when they compute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.lite import schema
from rnnlite.lite.ir import Builder, Graph, Model, Op, Quantization, Value
from rnnlite.lite.releases import RELEASES, release
from rnnlite.lite.requirements import raise_versions, requirement
from rnnlite.quantization.ops import RULES, VERSIONS
from rnnlite.quantization.rewrite.weights import HYBRID_VERSIONS
from runtimes.formats import C, Form, X
from runtimes.forms import FORMS
from runtimes.trials import RUNNER
from runtimes.wheels import RUNTIMES, Runtime, python_with

PARAMS = {"int8": Quantization.of(0.02, 5), "int16": Quantization.of(1e-4)}
WIDER = {"int8": Quantization.of(0.04, -3), "int16": Quantization.of(2e-4)}
WEIGHT = 0.01
FIRST = {"BROADCAST_TO": 2}
"""Lowest versions that are not 1."""

TOLERANCE = 0.05
"""Relative to the RMS; what a kernel gets wrong is far above."""

NEAR = 2
"""Steps that a kernel of int8 or int16 may round away, however few there are in all."""


@dataclass(frozen=True)
class Probe:
    """One form in one type."""

    form: Form
    type: str

    @property
    def name(self) -> str:
        """For people and files."""
        return f"{self.form.op} {self.form.note} {self.type}".replace("  ", " ")

    @property
    def operand(self) -> str:
        """The type of its inputs."""
        return "float32" if self.type == "hybrid" else self.type.partition(">")[0]

    @property
    def result(self) -> str:
        """The type of its results."""
        return self.form.result or self.type.partition(">")[2] or self.operand


def probes() -> Iterator[Probe]:
    """All of them."""
    for form in FORMS:
        for type_ in form.types.split():
            yield Probe(form, type_)


def build(probe: Probe) -> Model:
    """The model of one op."""
    model = Model()
    graph = model.graph()
    builder = Builder(graph)
    form, type_ = probe.form, probe.operand
    params = PARAMS.get(type_)
    values = []
    for operand in form.operands:
        if isinstance(operand, X):
            known = operand.type or type_
            values.append(builder.argument(operand.shape, known, PARAMS.get(known)))
        else:
            values.append(_constant(builder, probe, operand, params))
    outcome = params if form.same and probe.type == type_ else _result_params(probe)
    results = [builder.value(shape, probe.result, outcome) for shape in form.results]
    op = _op(graph, probe, values, results)
    graph.append(op)
    graph.outputs = results
    for k, value in enumerate(graph.values):
        value.name = f"t{k}"
    return model


def _result_params(probe: Probe) -> Quantization | None:
    """The quantization of a result that has not its operand's."""
    rule = RULES.get(probe.form.op)
    fixed = rule.fixed_params(probe.result) if rule is not None and probe.result in PARAMS else None
    return Quantization.of(fixed.scale, fixed.zero_point) if fixed else WIDER.get(probe.result)


def _constant(builder: Builder, probe: Probe, entry: C, params: Quantization | None) -> Value:
    """A constant operand, in the type that goes with the probed one."""
    values = np.asarray(entry.values)
    plain = probe.type == "float32"
    if entry.type == "weights":
        numbers = np.random.default_rng(1).integers(-90, 90, values.shape)
        if plain:
            return builder.constant(numbers * WEIGHT, "float32")
        axis = 3 if probe.form.op == "DEPTHWISE_CONV_2D" else 0
        scales = WEIGHT * (1 + 0.1 * np.arange(values.shape[axis]))
        return builder.constant(numbers, "int8", Quantization.of(scales, 0, axis))
    if entry.type.startswith("bias"):
        if plain or probe.type == "hybrid":
            return builder.constant(values, "float32")
        known = Quantization.of(WEIGHT * PARAMS[probe.type].scales[0] * (1 + 0.1 * np.arange(5)))
        kind = "int64" if entry.type == "bias64" else "int32"
        return builder.constant(values * 1000, kind, known)
    if entry.type == "x":
        return builder.constant(values, probe.operand, params)
    return builder.constant(values, entry.type)


def _op(graph: Graph, probe: Probe, values: Sequence[Value], results: Sequence[Value]) -> Op:
    """The op, in the version that our files have it in."""
    form = probe.form
    versions = VERSIONS.get(form.op, (1, 1))
    pair = {"int8": versions[0], "int16": versions[1], "hybrid": HYBRID_VERSIONS.get(form.op, 1)}
    version = pair.get(probe.type if ">" not in probe.type else "", FIRST.get(form.op, 1))
    op = graph.op(form.op, values, results, version=version)
    table = form.table or "".join(p.capitalize() for p in form.op.split("_")) + "Options"
    if table != "-":
        op.table, op.options = table, dict(form.options)
        if form.op in ("FULLY_CONNECTED", "CONV_2D", "TRANSPOSE_CONV") and len(
            form.operands
        ) > 2 + (form.op == "TRANSPOSE_CONV"):
            op.options["quantizedBiasType"] = schema.type_number(values[-1].type)
        if form.op == "CAST":
            ends = probe.operand, probe.result
            op.options["inDataType"], op.options["outDataType"] = map(schema.type_number, ends)
    return op


def inputs(probe: Probe, rng: np.random.Generator) -> list[npt.NDArray[Any]]:
    """Random numbers for each input, within what the op takes."""
    found = []
    for operand in probe.form.operands:
        if not isinstance(operand, X):
            continue
        kind, shape = operand.type or probe.operand, operand.shape
        if kind == "bool":
            found.append(rng.random(shape) < 0.5)
            continue
        unit = rng.uniform(0.2 if operand.positive else -1, 1, shape)
        scale, zero_point = {"float32": (1, 0), "int8": (50, 5), "int16": (10000, 0)}.get(
            kind, (20, 0)
        )
        numbers = unit * scale + zero_point
        found.append((numbers if kind == "float32" else np.round(numbers)).astype(kind))
    return found


def job(probe: Probe, folder: Path, number: int) -> dict[str, Any] | str:
    """What `runner` takes; or why this process' own runtime does not run it."""
    path, samples = (folder / f"{number}.{ending}" for ending in ("tflite", "npz"))
    data = schema.write(build(probe))
    path.write_bytes(data)
    # A kernel may end its process.
    child = os.fork()
    if child == 0:
        os._exit(0 if _expected(probe, data, samples, number) else 1)
    status = os.waitpid(child, 0)[1]
    if status:
        return "refused" if os.WIFEXITED(status) else f"CRASH, signal {os.WTERMSIG(status)}"
    near = NEAR if probe.result in PARAMS else 0
    return {"model": str(path), "samples": str(samples), "tolerance": TOLERANCE, "near": near}


def _expected(probe: Probe, data: bytes, samples: Path, seed: int) -> bool:
    """Write inputs and outputs of two runs; whether there are any."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = {}
    try:
        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(model_content=data, experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
        for k in range(2):
            for detail, x in zip(interpreter.get_input_details(), inputs(probe, rng), strict=True):
                interpreter.set_tensor(detail["index"], x)
                arrays[f"in/{k}/{detail['name']}"] = x
            interpreter.invoke()
            for n, detail in enumerate(interpreter.get_output_details()):
                arrays[f"out/{k}/{n}"] = interpreter.get_tensor(detail["index"])
    except (RuntimeError, ValueError):
        return False
    np.savez(samples, **arrays)
    return True


def states(jobs: Sequence[Mapping[str, Any]], runtime: Runtime) -> list[str]:
    """What became of each on a runtime: the worse of with XNNPACK and without."""
    command, environment = python_with(runtime)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        todo, done = (Path(folder) / name for name in ("jobs.json", "results.json"))
        for delegates in (True, False):
            todo.write_text(json.dumps([{**job, "delegates": delegates} for job in jobs]))
            subprocess.run(
                [*command, str(RUNNER), str(todo), str(done)], env=environment, check=True
            )
            found.append(json.loads(done.read_text()))
    return [
        next((f"{r['state']}: {r['detail']}" for r in pair if r["state"] != "right"), "right")
        for pair in zip(*found, strict=True)
    ]


def unknown(probe: Probe, found: Mapping[str, str]) -> str:
    """What a runtime that the table says is new enough did else than right; "" for nothing."""
    model = build(probe)
    raise_versions(model)
    least = RELEASES.index(requirement(model).release)
    for runtime in RUNTIMES:
        known = RELEASES.index(release(runtime.release)) >= least
        if known and found[runtime.name] != "right":
            return f"{runtime.name}: {found[runtime.name]}"
    return ""


def main() -> None:
    """Run all; ends with 1 where the table does not know of a kernel's limit."""
    todo = list(probes())
    with tempfile.TemporaryDirectory() as name:
        jobs = [job(p, Path(name), k) for k, p in enumerate(todo)]
        for p, j in zip(todo, jobs, strict=True):
            if isinstance(j, str):
                print(f"{p.name}: {j} by this process' own runtime, not tried")
        runs = [j for j in jobs if not isinstance(j, str)]
        tried = [p for p, j in zip(todo, jobs, strict=True) if not isinstance(j, str)]
        found: list[dict[str, str]] = [{} for _ in tried]
        for runtime in RUNTIMES:
            print(runtime.name, flush=True)
            for each, state in zip(found, states(runs, runtime), strict=True):
                each[runtime.name] = state
    print(f"{len(tried)} models of one op on {len(RUNTIMES)} runtimes")
    missed = {p.name: line for p, f in zip(tried, found, strict=True) if (line := unknown(p, f))}
    for label, line in missed.items():
        print(f"{label}: {line}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
