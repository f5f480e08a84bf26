"""How long each tensor is, as a function of the free axes of the inputs."""
