"""What is known of a model, as typed data and as text.

What enters: what other rooms have found. What leaves: a `Report`; as JSON, as text, as a page
(`page/`).

`records` has the Report, `parity`, `quantization`, `exits` and `timings` have what it is made of;
`making` puts it together. `tables` says what people see of it, `rendering` how.
"""
