"""The front end of ONNX models.

What enters: an .onnx file or a ModelProto. What leaves: a `Program`.

The order of work: `reading` makes plain data of a model (`nodes`), without lists and buffers
(`sequences`, `buffers`). `program` makes the Program: `selection` reads what the user names, `axes`
finds batch and time, `tracing` traces the model at the sizes that are asked for. `emit` goes from
the outputs back and asks the rule of each op (`rules/`).
"""
