"""Keras models as two float parts of a file: whole sequences, and chunks."""

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import schema
from rnnlite.lowering.schedule import take_options
from rnnlite.pipeline.pass_order import translate
from rnnlite.pipeline.streaming import chunk_function, chunk_of, stream_part
from rnnlite.quantization.calibration import take_samples
from rnnlite.quantization.prepare.names import name_constants

X = np.random.default_rng(0).standard_normal((1, 7, 3)).astype("f")


def run(model):
    """What the main graph of a float model gives for X."""
    interpreter = Interpreter(model_content=schema.write(model))
    (given,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(given["index"], X.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], X)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def sequential(*layers, features=3):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((None, features)), *layers])


def both(net, streaming=True):
    """The float model of whole sequences, what is known of the chunk's, and the entry."""
    request = Request(streaming=streaming, schedule=take_options(None, streamed=True))
    program = open_program(net, request)
    streamed = chunk_function(program, request)
    whole = translate(program.main)
    name_constants(whole)
    part = stream_part(program.main, streamed)
    name_constants(part.model)
    return whole, chunk_of(part, streamed), program.main


def samples(entry, count=8, seed=0):
    rng = np.random.default_rng(seed)
    rows = [rng.standard_normal((int(n), 3)).astype("f") for n in rng.integers(9, 30, count)]
    return take_samples(rows, entry.inputs), rows
