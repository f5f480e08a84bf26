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

LENGTHS = (17, 4, 64, 5, 300, 2, 100, 17)
KEY = "serving_default"


def sample(interpreter, length, rng):
    """Random inputs by name; of two free axes the first is a batch of 2."""
    details = interpreter.get_signature_runner(KEY).get_input_details()
    arrays = {}
    for name, detail in details.items():
        shape = [int(d) for d in detail["shape_signature"]]
        if shape.count(-1) > 1:
            shape[0] = 2
        shape = [length if d < 0 else d for d in shape]
        if detail["dtype"] == np.float32:
            arrays[name] = rng.standard_normal(shape).astype(np.float32)
        else:
            arrays[name] = rng.integers(1, 20, shape).astype(detail["dtype"])
    return arrays


def faults(data, path, own):
    """What differs from a fresh interpreter; `own`: with buffers of the caller's."""
    model = CompiledModel.from_file(path)
    signature = model.get_signature_list()[KEY]
    rng = np.random.default_rng(0)
    found = []
    for length in LENGTHS:
        interpreter = Interpreter(model_content=data, num_threads=1)
        arrays = sample(interpreter, length, rng)
        expected = interpreter.get_signature_runner(KEY)(**arrays)
        for k, name in enumerate(signature["inputs"]):
            model.resize_input_tensor(k, list(arrays[name].shape))
        inputs = model.create_input_buffers(0)
        if own:
            outputs = [
                TensorBuffer.create_from_host_memory(np.zeros_like(expected[name]))
                for name in signature["outputs"]
            ]
            sizes = {name: expected[name].nbytes for name in signature["outputs"]}
        else:
            outputs = model.create_output_buffers(0)
            # Asked for before buffers are made, it says what the file says.
            sizes = {
                name: model.get_output_buffer_requirements(k)["buffer_size"]
                for k, name in enumerate(signature["outputs"])
            }
        for buffer, name in zip(inputs, signature["inputs"], strict=True):
            buffer.write(arrays[name])
        wrong = [n for n, size in sizes.items() if size != expected[n].nbytes]
        found += [f"length {length}: '{n}' has a buffer of {sizes[n]} bytes" for n in wrong]
        if wrong:
            # To run now would write beyond it.
            continue
        model.run_by_index(0, inputs, outputs)
        for buffer, name in zip(outputs, signature["outputs"], strict=True):
            value = expected[name]
            result = buffer.read(value.size, value.dtype.type).reshape(value.shape)
            if not np.allclose(result, value, rtol=1e-5, atol=1e-6):
                found.append(f"length {length}: '{name}' has other values")
    return found


if __name__ == "__main__":
    own = sys.argv[1] == "--own"
    for file in sys.argv[2:] if own else sys.argv[1:]:
        row = {"file": file, "faults": faults(Path(file).read_bytes(), file, own)}
        print(json.dumps(row), flush=True)
