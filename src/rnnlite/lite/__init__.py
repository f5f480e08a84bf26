"""LiteRT files: translate, read, edit, write and inspect them.

What enters: a TensorFlow function, or the bytes of a file. What leaves: a `Model`, and bytes again.

`before_translation/` replaces ops that the official converter refuses, `translate` runs the
converter. `schema/` reads and writes bytes, `ir/` is the model in between, `passes/` edit it.
`structure`, `requirements` and `target_ops` check a finished model: whether it is well formed, from
which release on it is right, whether a target has its ops.
"""
