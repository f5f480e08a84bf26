"""A report with everything in it, names that look like markup included; a browser that looks."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from rnnlite.report.parity import OutputParity, Parity
from rnnlite.report.quantization import OpError, OutputAccuracy, Quantization, TrialRecord
from rnnlite.report.records import LayerRecord, Report, TensorSize
from rnnlite.report.timings import MemoryUse, Timing

EVIL = '<img src=x onerror="alert(1)">&\x00'
ROOT = Path(__file__).parents[3]


def recurrence(name, direction):
    return {
        "name": name,
        "kind": "GRU",
        "units": 24,
        "direction": direction,
        "outputs": "all",
        "masked": False,
        "hoisted": True,
        "schedule": "4 steps an iteration",
        "weights": "",
    }


QUANTIZATION = Quantization(
    mode="int8",
    io="int8",
    inner="int16",
    size_before=20_000,
    weights=(),
    ops={"FULLY_CONNECTED": {"int8": 2}},
    kept=(f"EXP {EVIL}",),
    samples=48,
    held_out=12,
    lengths=(5, 39),
    accuracy=(OutputAccuracy(EVIL, 0.0125, 38.1, 1.0, {10: 0.01, 100: 0.02}),),
    measured_on="12 samples",
    warnings=("short data",),
    max_error=0.25,
    trials=(TrialRecord("int8", 0.03, 9000, "int16 is clearly better"),),
    op_errors=(
        OpError("CONV_2D", "demo/conv/Relu", "conv", 0.03, 0.0),
        OpError("WHILE", "demo/forward/scan", "forward", 0.05, 0.03),
        OpError("FULLY_CONNECTED", f"demo/{EVIL}/MatMul", EVIL, 0.05, 0.05),
    ),
)


@pytest.fixture
def report():
    return Report(
        origin=f"Keras 3 Functional '{EVIL}'",
        inputs=({"name": "frames", "shape": (1, None, 12), "dtype": "int8", "least": (1, 4, 12)},),
        outputs=(
            {
                "name": EVIL,
                "shape": (1, 9),
                "dtype": "int8",
                "scale": 0.5,
                "zero_point": -128,
                "least": (),
            },
        ),
        size=12_000,
        weights=3000,
        ops={"FULLY_CONNECTED": 2, "WHILE": 2},
        recurrences=(recurrence("forward", "forward"), recurrence("backward", "backward")),
        parity=Parity(
            (OutputParity(EVIL, 1e-7, 2e-7, 0.5, 1e-5, {1: 0.0, 5: 1e-7, 19: 2e-7}),),
            (19, 1, 5),
            (1,),
            12,
        ),
        notes=(f"length 3 is kept: pinned by {EVIL}",),
        seconds={"trace": 1.5},
        quantization=QUANTIZATION,
        min_runtime="LiteRT 2.0",
        layers=(
            LayerRecord("conv", ("frames",), (), {"CONV_2D": 1}, 600),
            LayerRecord("forward", ("conv",), (), {"WHILE": 1}, 1000, (0,)),
            LayerRecord("backward", ("conv",), (), {"WHILE": 1}, 1000, (1,)),
            LayerRecord(EVIL, ("forward", "backward", "frames"), (EVIL,), {"ADD": 1}, 0),
        ),
        tensors=(TensorSize("conv/0", (16, 36), "int8", 576), TensorSize(EVIL, (9,), "int32", 36)),
    )


@pytest.fixture
def timings():
    return [
        Timing(10, 1, 5, 1.0, 0.5, 0.6, 0.7, 0.4, 50.0),
        Timing(100, 1, 5, 4.0, 3.0, 3.5, 3.6, 2.5, 30.0),
    ]


@pytest.fixture
def memory():
    return [MemoryUse(10, 7_000_000), MemoryUse(100, 7_500_000)]


@pytest.fixture
def require_readable(tmp_path):
    """Look at pages, by name, in a browser: nothing asked for, said, or standing out."""

    def look(**pages):
        for program in ("node", "chromium"):
            if shutil.which(program) is None:
                pytest.skip(f"no {program} here (make browser-setup)")
        if not (ROOT / ".browser" / "node_modules" / "playwright-core").exists():
            pytest.skip("playwright-core is not installed (make browser-setup)")
        for name, page in pages.items():
            (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
        script = ROOT / "benchmarks" / "runtimes" / "look.mjs"
        command = [shutil.which("node"), script, shutil.which("chromium"), tmp_path]
        subprocess.run(command, check=True, timeout=300)
        looks = json.loads((tmp_path / "looks.json").read_text())
        assert len(looks) == 4 * len(pages)
        for one in looks:
            assert one["errors"] == []
            assert one["requests"] == []
            assert one["scroll"] == one["width"]
            assert one["wide"] == []
        grounds = {(one["scheme"], one["background"]) for one in looks}
        assert grounds == {("light", "rgb(246, 247, 249)"), ("dark", "rgb(14, 20, 27)")}

    return look
