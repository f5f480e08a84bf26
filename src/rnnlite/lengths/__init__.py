"""How long each tensor is, as a function of the free axes of the inputs.

What enters: a traced function, and the TensorSpecs of its inputs. What leaves: a `Lengths`: the
number of steps of each recurrence, and what ops demand of the free axes.

`tracing` has the function to call. `analysis` goes from the outputs back to the inputs and asks the
rule of each op, which makes of a `Node` a `Fact` for each result (`facts`). The rules are in
`computes`, `moves`, `slices`, `gathers` and `vectors`. `sizes` computes with sizes, `values` puts
numbers in. The result is a `Lengths` (`lengths`), by which `compared` chooses the lengths of the
check.
"""
