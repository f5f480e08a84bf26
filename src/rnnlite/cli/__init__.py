"""The command line: its commands, their options, how it behaves on a terminal."""
