"""Run LiteRT models with NumPy and ai-edge-litert alone: load, predict."""
