"""The front end of PyTorch: modules are exported to ONNX, and read by the front end of ONNX.

What enters: a live module, an exported program or a file of one, and an example of its inputs. What
leaves: a `Program`.

The order of work: `calls` makes a function of flat tensors of a module (`examples`), `sizes` finds
its free axes, `exporting` exports it, `program` makes the Program. `rewriting` and `attention`
write what the exporter does not know in other words.
"""
