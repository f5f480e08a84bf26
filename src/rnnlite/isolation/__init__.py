"""Worker processes, for code that may end its process. They are kept and used again.

What enters: a call, whose arguments can be pickled. What leaves: its result, or an `AbortError`
where the process ended.

In this process, `process` starts workers, `interpreter` and `converter` call them. In a worker,
`worker` takes calls; `held` and `native` have what is called. `messages` goes between the two.
`locating` finds the op that ended a worker. `guard` runs a whole command in a child process.
"""
