"""Plan scales and zero points of a float model, masks included, before anything is rewritten.

What enters: a float `Model`, and the range of each value. What leaves: a `Plan`: quantization
parameters for each float value, a type for each op.

`plan` groups values and gives each group its parameters; `clip` and `coarsen` adjust these. Before
it, `masks` puts stand-ins in for large constants: `walk` goes through the model with what each
value may hold (`cases`), `origins` sizes the stand-ins. `markers` and `front` find inputs and ops
that go apart, `domains` what kernels do not take, `twins` what a stream shares with the whole.
"""
