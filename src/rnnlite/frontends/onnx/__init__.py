"""The front end of ONNX models.

The order of work: `reading` makes plain data of a model (`nodes`), `model` finds its axes and makes
the Program, `emit` goes from the outputs back and asks the rule of each op (`rules/`).
"""
