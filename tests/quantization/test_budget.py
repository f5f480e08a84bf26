"""How far loops may be unrolled within the bytes of a small file."""

from dataclasses import replace

import keras
import pytest

import rnnlite
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import flatbuffer
from rnnlite.lowering.schedule import Options
from rnnlite.pipeline.steps import translate
from rnnlite.quantization.budget import affordable


def test_one_loop_is_unrolled_whole_and_six_are_not():
    keras.utils.set_random_seed(0)
    L = keras.layers
    small = keras.Sequential([keras.Input((None, 3)), L.LSTM(8)])
    deep = keras.Sequential(
        [
            keras.Input((None, 3)),
            *[L.Bidirectional(L.LSTM(8, return_sequences=True)) for _ in range(2)],
            L.Bidirectional(L.LSTM(8)),
        ]
    )
    parsed = flatbuffer.read(rnnlite.convert(small, verify=False).tflite)
    assert affordable(parsed, Options()) == Options()
    parsed = flatbuffer.read(rnnlite.convert(deep, schedule={"first": 0}, verify=False).tflite)
    assert affordable(parsed, Options(first=0)).max_unroll < 4
    alone = affordable(parsed, Options(first=0, max_unroll=1))
    assert alone == Options(first=0, max_unroll=1, max_levels=1)
    # What the caller asks for stays.
    asked = Options(first=0, unroll=4, levels=2)
    assert affordable(parsed, asked) == asked
    converted = rnnlite.convert(deep, quantize="dynamic", schedule="unroll=4", verify=False)
    assert {r["unroll"] for r in converted.report.recurrences} == {4}
    converted = rnnlite.convert(deep, quantize="dynamic", verify=False)
    assert {r["unroll"] for r in converted.report.recurrences} <= {1, 2}
    assert rnnlite.convert(deep, verify=False).report.recurrences[0]["unroll"] == 4


def test_segments_go_before_levels():
    L = keras.layers
    layers = [L.LSTM(8, return_sequences=True) for _ in range(8)]
    model = keras.Sequential([keras.Input((None, 3)), *layers])
    asked = {"unroll": 1, "first": 0}
    converted = rnnlite.convert(model, batch_size=64, schedule=asked, verify=False)
    parsed = flatbuffer.read(converted.tflite)
    loops = [body for *_, body in flatbuffer.loops(parsed)]
    assert len(loops) > len(set(loops))
    assert affordable(parsed, Options(unroll=1, first=0)) == Options(unroll=1, first=0, segments=1)
    # What the caller asks for stays; levels come next.
    given = Options(unroll=1, first=0, segments=4)
    assert affordable(parsed, given) == replace(given, max_levels=2)


def test_blocks_apart_go_first():
    layers = [keras.layers.LSTM(8, return_sequences=True) for _ in range(8)]
    model = keras.Sequential([keras.Input((None, 3)), *layers])
    blocks = {"variables": 0}
    parsed = flatbuffer.read(rnnlite.convert(model, schedule=blocks, verify=False).tflite)
    assert affordable(parsed, Options()) == Options(first=0)
    # What the caller asks for stays.
    assert affordable(parsed, Options(first=1)).max_unroll < 4


@pytest.mark.parametrize(
    ("units", "count", "chosen"),
    [
        (256, 1, [Options()]),
        (16, 1, [Options(), Options(max_levels=2)]),
        (16, 4, [Options(), Options(max_levels=2), Options(variables=0)]),
    ],
)
def test_variables_go_before_all_else(units, count, chosen):
    layers = [keras.layers.LSTM(units, return_sequences=True) for _ in range(count)]
    model = keras.Sequential([keras.Input((None, 3)), *layers])
    for options, then in zip(chosen, [*chosen[1:], chosen[-1]], strict=True):
        lowered = translate(open_program(model, Request(schedule=options)))
        if options.variables != 0:
            assert affordable(lowered, options) == then
    # What the caller asks for stays.
    asked = Options(variables=1)
    lowered = translate(open_program(model, Request(schedule=asked)))
    assert affordable(lowered, asked).variables == 1
