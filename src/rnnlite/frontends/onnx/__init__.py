"""The front end of ONNX models.

What enters: an .onnx file or a ModelProto. What leaves: a `Program`.

The order of work: `reading` makes plain data of a model (`nodes`), `model` finds its axes and makes
the Program, `emit` goes from the outputs back and asks the rule of each op (`rules/`).
"""
