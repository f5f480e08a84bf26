"""The languages: each has a template, and forms of tensors and signatures.

What enters: names, numbers and shapes of a file's tensors. What leaves: the same, as text of a
language.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """How a program is written in a language.

    Attributes:
        name: its name in `LANGUAGES`.
        template: its file in `templates`.
        spec: format string of a tensor; `snippets.render` fills its fields.
        signature: format string of a signature.
        rows: format string of where the rows of a streamed output are.
        literal: a function that gives a text as a literal of the language.
        infinity: infinity in the language.
        mask: format string of an input's name and the value that masks its time steps.
    """

    name: str
    template: str
    spec: str
    signature: str
    rows: str
    literal: Callable[[str], str]
    infinity: str
    mask: str = "{{{name}, {value}}}"

    def number(self, value: float) -> str:
        """A real number as the language writes it."""
        if math.isinf(value):
            return f"-{self.infinity}" if value < 0 else self.infinity
        return repr(float(value))


def _escaped(text: str, unicode: Callable[[int], str], more: str = "") -> str:
    """A text in double quotes; control characters and surrogates as code points (`unicode`)."""
    parts = []
    for letter in text:
        code = ord(letter)
        if letter in '"\\' or letter in more:
            parts.append(f"\\{letter}")
        elif code < 32 or code == 127 or 0xD800 <= code < 0xE000:
            parts.append(unicode(code))
        else:
            parts.append(letter)
    return f'"{"".join(parts)}"'


def _four_digits(text: str) -> str:
    return _escaped(text, lambda code: f"\\u{code:04x}")


def _kotlin(text: str) -> str:
    return _escaped(text, lambda code: f"\\u{code:04x}", "$")


def _swift(text: str) -> str:
    return _escaped(text, lambda code: f"\\u{{{code:x}}}")


def _c(text: str) -> str:
    # With three octal digits, what follows is no further digit; ?? would begin a trigraph.
    return _escaped(text, lambda code: f"\\{code & 0xFF:03o}", "?")


_C_SPEC = "{{{name}, {dtype}, {rank}, {{{shape}}}, {scale}, {zero_point}, {initial}}},"
_C_SIGNATURE = "{{{key}, {first}, {inputs}, {middle}, {outputs}}},"
_ROWS = "{axis}, {stride}, {delay}, {add}, {rate}"
_C_ROWS = f"{{{{{_ROWS}}}}},"

LANGUAGES = {
    language.name: language
    for language in (
        Language(
            "python",
            "python.py.txt",
            'TensorSpec({name}, "{dtype}", ({shape}), {scale}, {zero_point}, {initial}),',
            "{key}: (\n    [\n{input_rows}\n    ],\n    [\n{output_rows}\n    ],\n),",
            f"Rows({_ROWS}),",
            _four_digits,
            'float("inf")',
            "{name}: {value}",
        ),
        Language(
            "kotlin",
            "kotlin.kt.txt",
            'TensorSpec({name}, "{dtype}", intArrayOf({shape}), {scale}, {zero_point}, {initial}),',
            "{key} to Pair(\n    listOf(\n{input_rows}\n    ),\n"
            "    listOf(\n{output_rows}\n    ),\n),",
            f"Rows({_ROWS}),",
            _kotlin,
            "Double.POSITIVE_INFINITY",
            "{name} to {value}",
        ),
        Language(
            "swift",
            "swift.swift.txt",
            'TensorSpec(name: {name}, dtype: "{dtype}", shape: [{shape}], scale: {scale}, '
            "zeroPoint: {zero_point}, initial: {initial}),",
            "({key},\n  [\n{input_rows}\n  ],\n  [\n{output_rows}\n  ]),",
            "Rows(axis: {axis}, stride: {stride}, delay: {delay}, add: {add}, rate: {rate}),",
            _swift,
            "Double.infinity",
            "{name}: {value}",
        ),
        Language(
            "cpp",
            "cpp.cc.txt",
            "{{{name}, {dtype}, {{{shape}}}, {scale}, {zero_point}, {initial}}},",
            "{{{key},\n {{\n{input_rows}\n }},\n {{\n{output_rows}\n }}}},",
            _C_ROWS,
            _c,
            "INFINITY",
        ),
        Language("c", "c.c.txt", _C_SPEC, _C_SIGNATURE, _C_ROWS, _c, "INFINITY"),
        Language("micro", "micro.cc.txt", _C_SPEC, _C_SIGNATURE, _C_ROWS, _c, "INFINITY"),
        Language(
            "javascript",
            "javascript.mjs.txt",
            '{{ name: {name}, dtype: "{dtype}", shape: [{shape}], initial: {initial} }},',
            "{key}: {{\n    inputs: [\n{input_rows}\n    ],\n"
            "    outputs: [\n{output_rows}\n    ],\n}},",
            "{{ axis: {axis}, stride: {stride}, delay: {delay}, add: {add}, rate: {rate} }},",
            _four_digits,
            "Infinity",
        ),
    )
}
"""Name -> language; "micro" is C++ for LiteRT for Microcontrollers."""

NAMES = ("python", "kotlin", "swift", "cpp", "javascript", "c")
"""The names that a user may give."""
