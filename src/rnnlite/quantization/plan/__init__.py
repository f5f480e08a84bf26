"""Plan scales and zero points of a float model, masks included, before anything is rewritten."""
