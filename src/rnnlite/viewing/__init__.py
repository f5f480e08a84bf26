"""Look inside a file with viewers that others make: with our time of each op as their node data."""
