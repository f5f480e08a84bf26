"""Plan scales and zero points of a float model, masks included, before anything is rewritten.

What enters: a float `Model`, and the range of each value. What leaves: a `Plan`: quantization
parameters for each float value, a type for each op.

Before the plan, `masks` replaces large constants by stand-ins: `walk` goes through the model and
finds what each value may hold (`cases`), `origins` finds the sizes of the stand-ins. `markers`
finds inputs whose range leaves a marker out, `front` finds ops that stay in float, `twins` finds
values that a stream and the whole sequence share. `plan` groups values and gives each group its
parameters; `clip` and `coarsen` adjust them. `domains` keeps operands to the integers that a kernel
takes.
"""
