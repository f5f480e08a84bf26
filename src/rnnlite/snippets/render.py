"""A program for a file: a template with the file's facts filled in.

What enters: a .tflite file, and the name of a language. What leaves: the text of a program.

In a template @NAME@ stands for a text. The lines between "@if WORD" and "@end" are kept if WORD is
true of the file:

- whole: it takes whole sequences.
- stream: it has a stream; late, prompt: whose rows come later than their steps, or with them; tail:
  from which rows are still to come when a sequence ends.
- exits: it has exits.
- masked: a value marks the masked time steps of an integer input; unmasked: none does.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from rnnlite.errors import OptionError, UnsupportedError
from rnnlite.lite.files import ModelSource, read_model
from rnnlite.snippets.facts import Facts, Streamed, TensorFacts, facts_of
from rnnlite.snippets.languages import LANGUAGES, NAMES, Language
from rnnlite.target import Target

TEMPLATES = Path(__file__).parent / "templates"

C_TYPES = {
    "float32": "kFloat32",
    "int8": "kInt8",
    "int16": "kInt16",
    "int32": "kInt32",
    "int64": "kInt64",
    "bool": "kBool",
}


def snippet(model: ModelSource, language: str = "python") -> str:
    """A short program that runs a file by its signatures.

    It also streams the file if that has a stream, and quantizes and dequantizes its integers.

    Args:
        model: path or content of a .tflite file.
        language: "python", "kotlin", "swift", "cpp", "javascript" or "c"; for a file that was made
            for LiteRT for Microcontrollers, "cpp".

    Raises:
        OptionError: another language.
        ModelError: it is no LiteRT model, or has no signature.
        UnsupportedError: the runtime of the language does not take the file.
    """
    if language not in NAMES:
        raise OptionError(
            "language names none that programs are written in",
            expected=", ".join(NAMES),
            found=repr(language)[:60],
        )
    facts = facts_of(read_model(model))
    known = LANGUAGES[_program(facts.target, language)]
    facts = _taken(facts, language)
    template = (TEMPLATES / known.template).read_text(encoding="utf-8")
    name = Path(model).name if isinstance(model, (str, os.PathLike)) else "model.tflite"
    stream = facts.stream
    shown = {
        "stream": stream is not None,
        "whole": bool(facts.functions),
        "exits": bool(facts.exits),
        "late": stream is not None and stream.is_late,
        "prompt": stream is not None and not stream.is_late,
        "tail": stream is not None and stream.tail,
        "masked": bool(_masks(facts)),
        "unmasked": not _masks(facts),
    }
    return _filled(template, _texts(facts, known, name), shown)


def _program(target: Target, language: str) -> str:
    """The name in `LANGUAGES` of the program in a language for a target.

    Raises:
        UnsupportedError: the target has no interface in it.
    """
    name = target.programs.get(language, language)
    if not name:
        others = " or ".join(known for known, program in target.programs.items() if program)
        raise UnsupportedError(
            f"{target.title} has no interface in {language.upper()}",
            remedy=f"Take --language {others}, and call it by a function of your own",
        )
    return name


def _taken(facts: Facts, language: str) -> Facts:
    """The facts, with the signatures alone that the runtime of a language runs.

    Raises:
        UnsupportedError: it runs none of them, or lacks the dtype of one of their tensors.
    """
    if language != "javascript":
        return facts
    functions = tuple(f for f in facts.functions if not f.is_free)
    stream = facts.stream if facts.stream is not None and not facts.stream.is_free else None
    if not functions and stream is None:
        raise UnsupportedError(
            "LiteRT.js takes no free shapes",
            found="an input of free length",
            remedy="Convert the source with sequence_length=N (--sequence-length N), or with "
            "streaming=N (--streaming N)",
        )
    exits = facts.exits if {f.key for f in functions}.issuperset(facts.exits) else ()
    taken = replace(facts, functions=functions, stream=stream, exits=exits)
    narrow = [p for p in taken.tensors if p.dtype not in ("float32", "int32")]
    if not narrow:
        return taken
    remedy = "Convert the source with io='float32' (--io float32), ids as int32"
    if stream is not None and narrow[0] in stream.states:
        remedy = "States of integers stay so: stream in float32, or with quantize='dynamic'"
    raise UnsupportedError(
        f"LiteRT.js has no tensors of {narrow[0].dtype}",
        found=f"'{narrow[0].name}' of {narrow[0].dtype}",
        remedy=remedy,
    )


def _texts(facts: Facts, language: Language, name: str) -> dict[str, str]:
    """Name in a template -> the text that it stands for."""
    every: list[TensorFacts] = []
    signatures = []
    for function in facts.functions:
        first, middle = len(every), len(every) + len(function.inputs)
        every += [*function.inputs, *function.outputs]
        signatures.append(
            language.signature.format(
                key=language.literal(function.key),
                first=first,
                inputs=len(function.inputs),
                middle=middle,
                outputs=len(function.outputs),
                input_rows=_rows(function.inputs, language, 8),
                output_rows=_rows(function.outputs, language, 8),
            )
        )
    keys = [function.key for function in facts.functions]
    whole = [key for key in keys if key not in facts.exits]
    return {
        "MODEL": language.literal(name),
        "FILE": re.sub(r"[^\w.+ -]", "_", name),
        "STEPS": str(facts.steps),
        "INPUTS": _rows(facts.functions[0].inputs if whole else (), language, 4),
        "OUTPUTS": _rows(facts.functions[0].outputs if whole else (), language, 4),
        "SPECS": _rows(every, language, 4),
        "SIGNATURES": _indented(signatures, 4),
        "RANK": str(max((len(p.shape) for p in facts.tensors), default=1) or 1),
        "OPS": "\n".join(f"  resolver.Add{_camel(op)}();" for op in facts.ops),
        "OP_COUNT": str(len(facts.ops)),
        "WHOLE": ", ".join(map(language.literal, whole)),
        "WHOLE_PLACES": ", ".join(str(keys.index(key)) for key in whole),
        "EXITS": ", ".join(map(language.literal, facts.exits)),
        "MASKS": ", ".join(
            language.mask.format(name=language.literal(name), value=language.number(value))
            for name, value in _masks(facts).items()
        ),
        "EXIT_PLACES": ", ".join(str(keys.index(key)) for key in facts.exits),
        **({} if facts.stream is None else _stream_texts(facts.stream, language)),
    }


def _masks(facts: Facts) -> dict[str, float]:
    """Name of a quantized input -> the value that masks its time steps."""
    return {p.name: p.mask for p in facts.tensors if p.mask is not None}


def _stream_texts(stream: Streamed, language: Language) -> dict[str, str]:
    sizes = [math.prod(p.shape) * np.dtype(p.dtype).itemsize for p in stream.states]
    return {
        "STREAM_INPUTS": _rows(stream.inputs, language, 4),
        "STREAM_OUTPUTS": _rows(stream.outputs, language, 4),
        "STATES": _rows(stream.states, language, 4),
        "STATE_BYTES": str(sum(sizes)),
        "CHUNK": str(stream.chunk),
        "DELAY": str(stream.delay),
        "TIMES": ", ".join(map(str, stream.times)),
        "ROWS": _indented([language.rows.format(**asdict(r)) for r in stream.rows], 4),
    }


def _rows(tensors: Iterable[TensorFacts], language: Language, indent: int) -> str:
    is_c = language.template in ("cpp.cc.txt", "c.c.txt", "micro.cc.txt")
    rows = []
    for tensor in tensors:
        shape = ", ".join(map(str, tensor.shape))
        if language.name == "python" and len(tensor.shape) == 1:
            shape += ","
        rows.append(
            language.spec.format(
                name=language.literal(tensor.name),
                dtype=C_TYPES.get(tensor.dtype, "kFloat32") if is_c else tensor.dtype,
                rank=len(tensor.shape),
                shape=shape or ("0" if is_c and language.name != "cpp" else ""),
                scale=language.number(tensor.scale),
                zero_point=tensor.zero_point,
                initial=language.number(tensor.initial),
            )
        )
    return _indented(rows, indent)


def _indented(blocks: Sequence[str], indent: int) -> str:
    pad = " " * indent
    return "\n".join(pad + line for block in blocks for line in block.splitlines())


def _filled(template: str, texts: dict[str, str], parts: dict[str, bool]) -> str:
    lines = []
    shown = [True]
    for line in template.splitlines():
        if line.strip().startswith("@if "):
            shown.append(parts[line.split()[1]])
        elif line.strip() == "@end":
            shown.pop()
        elif all(shown):
            lines.append(line)
    # One pass, so that a name in the file is never taken for a @NAME@ of the template.
    return re.sub(r"@([A-Z_]+)@", lambda m: texts[m[1]], "\n".join(lines)) + "\n"


_UNLIKE = {
    "BATCH_MATMUL": "BatchMatMul",
    "CONV_2D": "Conv2D",
    "CUMSUM": "CumSum",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "AVERAGE_POOL_2D": "AveragePool2D",
    "MAX_POOL_2D": "MaxPool2D",
    "L2_NORMALIZATION": "L2Normalization",
    "L2_POOL_2D": "L2Pool2D",
    "RELU_N1_TO_1": "ReluN1To1",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}
"""Ops whose method of the resolver has another name than `_camel` makes."""


def _camel(op: str) -> str:
    return _UNLIKE.get(op) or "".join(word.capitalize() for word in op.split("_"))
