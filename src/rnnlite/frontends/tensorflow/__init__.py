"""TensorFlow graphs without their Python: frozen graphs, SavedModels, checkpoints."""
