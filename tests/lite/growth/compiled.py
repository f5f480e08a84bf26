"""Run LiteRT files by CompiledModel at lengths that grow and shrink, beside the interpreter.

`python compiled.py [--own] FILE...` prints a line of JSON for each file: for each length and output
that is wrong, what is wrong. With `--own`, results go to buffers that the caller makes. A process
of its own, because a buffer of the wrong size can end it.
"""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tensor_buffer import TensorBuffer
from collide import beginning, sample

LENGTHS = (17, 4, 64, 5, 300, 2, 100, 17)


def faults(data, path, own):
    """What differs from a fresh interpreter, of all signatures by turns; `own`: with buffers of the
    caller's."""
    model = CompiledModel.from_file(path)
    signatures = model.get_signature_list()
    rng = np.random.default_rng(0)
    initial = beginning(data)
    found = []
    for length in LENGTHS:
        for number, key in enumerate(signatures):
            interpreter = Interpreter(model_content=data, num_threads=1)
            arrays = sample(interpreter, key, length, initial, rng)
            expected = interpreter.get_signature_runner(key)(**arrays)
            found += [
                f"{key}, length {length}: {fault}"
                for fault in differences(model, number, signatures[key], arrays, expected, own)
            ]
    return found


def differences(model, number, names, arrays, expected, own):
    """What one run gets wrong."""
    for k, name in enumerate(names["inputs"]):
        # What has a fixed shape is not resized.
        shape = list(arrays[name].shape)
        model.resize_input_tensor(k, shape, number, strict=False)
    inputs = model.create_input_buffers(number)
    if own:
        outputs = [
            TensorBuffer.create_from_host_memory(np.zeros_like(expected[name]))
            for name in names["outputs"]
        ]
        sizes = {name: expected[name].nbytes for name in names["outputs"]}
    else:
        outputs = model.create_output_buffers(number)
        # Asked for before buffers are made, it says what the file says.
        sizes = {
            name: model.get_output_buffer_requirements(k, number)["buffer_size"]
            for k, name in enumerate(names["outputs"])
        }
    for buffer, name in zip(inputs, names["inputs"], strict=True):
        buffer.write(arrays[name])
    wrong = [n for n, size in sizes.items() if size != expected[n].nbytes]
    if wrong:
        # To run now would write beyond it.
        return [f"'{n}' has a buffer of {sizes[n]} bytes" for n in wrong]
    model.run_by_index(number, inputs, outputs)
    found = []
    for buffer, name in zip(outputs, names["outputs"], strict=True):
        value = expected[name]
        if not value.size:
            continue
        result = buffer.read(value.size, value.dtype.type).reshape(value.shape)
        if not np.allclose(result, value, rtol=1e-5, atol=1e-6):
            found.append(f"'{name}' has other values")
    return found


if __name__ == "__main__":
    own = sys.argv[1] == "--own"
    for file in sys.argv[2:] if own else sys.argv[1:]:
        row = {"file": file, "faults": faults(Path(file).read_bytes(), file, own)}
        print(json.dumps(row), flush=True)
