"""How well a model does on labelled data, and how far it agrees with another."""
