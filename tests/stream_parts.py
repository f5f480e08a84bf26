"""Keras models as two float parts of a file: whole sequences, and chunks."""

import keras
import numpy as np

from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lowering.schedule import take_options
from rnnlite.pipeline.steps import translate
from rnnlite.pipeline.streaming import chunk_function, chunk_of, stream_part
from rnnlite.quantization.calibration import take_samples
from rnnlite.quantization.prepare.names import name_constants


def sequential(*layers, features=3):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((None, features)), *layers])


def both(net, streaming=True):
    """The float model of whole sequences, what is known of the chunk's, and the entry."""
    program = open_program(net, Request(streaming=streaming, schedule=take_options(None)))
    streamed = chunk_function(program, Request(streaming=streaming, schedule=take_options(None)))
    whole = translate(program.main)
    name_constants(whole)
    part = stream_part(program.main, streamed)
    name_constants(part.model)
    return whole, chunk_of(part, streamed), program.main


def samples(entry, count=8, seed=0):
    rng = np.random.default_rng(seed)
    rows = [rng.standard_normal((int(n), 3)).astype("f") for n in rng.integers(9, 30, count)]
    return take_samples(rows, entry.inputs), rows
