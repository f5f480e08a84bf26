"""Speed of one recurrent layer: rnnlite beside other ways to run it. `python -m speed`."""
