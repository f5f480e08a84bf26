"""What is known of a model, as typed data (`records`, `quantization`), and as text (`tables`)."""
