"""From a source to a checked LiteRT file: the steps in order (`steps`), and who runs them."""
