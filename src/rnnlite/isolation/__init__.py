"""What may end the process runs in another one: worker processes that are kept and used again.

What enters: a call, whose arguments can be pickled. What leaves: its result, or an `AbortError`
where the process ended.

Here, `process` starts workers; `interpreter` and `converter` ask them. There, `worker` listens,
`held` and `native` do what is asked. `locating` finds the op that ended one. `guard` runs a whole
command so.
"""
