"""Plan the integer grids of a float model, masks included, before anything is rewritten."""
