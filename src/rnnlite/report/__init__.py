"""What is known of a model, as typed data (`records`, `quantization`), and as text (`tables`).

What enters: what other rooms have found. What leaves: a `Report`; as JSON, as text, as a page
(`page/`).
"""
