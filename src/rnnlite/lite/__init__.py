"""The flatbuffer side: convert, read and edit, name, inspect.

What enters: a TensorFlow function, or the bytes of a file. What leaves: a `Model`, and bytes again.

`translate` runs the official converter, `schema/` reads and writes bytes, `ir/` is the model in
between, `passes/` edits it. `structure`, `requirements` and `target_ops` look at what is finished:
whether it is sound, from which release on it is right, whether a target has its ops.
"""
