"""From a source to a checked LiteRT file: the passes in order (`pass_order`), and who runs them.

What enters: a source, a `Request`, a configuration of quantization. What leaves: `Converted`, a
`Report`, or a graph.

`conversion`, `verification` and `freezing` run in this process; `remote` has a worker process run
them. `quantization`, `streaming` and `exits` are the steps of a conversion that only some files
need.
"""
