"""The command line: its commands, their options, how it behaves on a terminal.

What enters: arguments. What leaves: files, a report on standard output, an exit status.

Commands are in `main`, those on a finished file in `files`. `options` declares their arguments,
`sources` the options of front ends. `console` prints, and turns refusals into an exit status.
"""
