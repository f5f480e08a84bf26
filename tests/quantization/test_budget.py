"""How far loops may be unrolled within the bytes of a small file."""

import keras

import rnnlite
from rnnlite.lite import flatbuffer
from rnnlite.quantization.budget import affordable
from rnnlite.scan.schedule import Options


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
    parsed = flatbuffer.read(rnnlite.convert(deep, verify=False).tflite)
    assert affordable(parsed, Options()).max_unroll < 4
    alone = affordable(parsed, Options(max_unroll=1))
    assert alone == Options(max_unroll=1, max_levels=1)
    # What the caller asks for stays.
    asked = Options(unroll=4, levels=2)
    assert affordable(parsed, asked) == asked
    converted = rnnlite.convert(deep, quantize="dynamic", schedule="unroll=4", verify=False)
    assert {r["unroll"] for r in converted.report.recurrences} == {4}
    converted = rnnlite.convert(deep, quantize="dynamic", verify=False)
    assert {r["unroll"] for r in converted.report.recurrences} <= {1, 2}
    assert rnnlite.convert(deep, verify=False).report.recurrences[0]["unroll"] == 4
