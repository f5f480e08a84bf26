"""How long each tensor is, as a function of the free axes of the inputs.

What enters: a traced function, and the TensorSpecs of its inputs. What leaves: a `Lengths`: the
number of steps of each recurrence, and what ops demand of the free axes.

`tracing` has the call. `analysis` goes from the outputs back and asks the rule of each op: from a
`Node` to a `Fact` for each result (`facts`). Rules stand by kind in `computes`, `moves`, `slices`,
`gathers` and `vectors`. `sizes` computes with sizes, `values` puts lengths in. What follows is a
`Lengths` (`lengths`); `compared` chooses the lengths of the check by it.
"""
