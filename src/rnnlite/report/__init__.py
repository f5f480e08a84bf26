"""What is known of a model: as data, as text, as a page.

What enters: what other folders have found. What leaves: a `Report`; its JSON, its text, its page
(`page/`).

`records` has the Report; `parity`, `quantization`, `exits` and `timings` have its parts; `making`
puts it together. `acceptance` refuses a quantized model that is too far off. `tables` chooses what
people see, `rendering` writes it.
"""
