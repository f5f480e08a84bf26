"""Streaming: a model as a function of one chunk of its inputs and of states."""
