"""The front end of PyTorch: exports modules to ONNX, which the front end of ONNX reads.

What enters: a live module, an ExportedProgram or a file of either, and an example of its inputs.
What leaves: a `Program`.

The order of work: `calls` wraps a module as a function of a flat list of tensors (`examples` reads
the example), `sizes` finds its free axes, `exporting` exports it, `program` makes the Program.
`rewriting` and `attention` replace layers that the exporter does not know.
"""
