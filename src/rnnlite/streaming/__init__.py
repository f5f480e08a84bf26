"""Streaming: a model as a function of one chunk of its inputs and of states.

What enters: an `Entry`. What leaves: a function (chunk, states) -> (rows, states), and the `Layout`
that says how to use it.

`function` has the call. `emit` goes from the outputs back and asks the rule of each op: from the
emitter, the op, and what its inputs are for a chunk, to what its results are (`values`, `rows`).
Rules stand by kind in `pointwise`, `moves`, `slices`, `windows`, `reductions`, `counts` and
`calls`; `recurrences` lowers Scans again. `states` and `clock` are what is kept between chunks.
`layout` is what the file says of it all.
"""
