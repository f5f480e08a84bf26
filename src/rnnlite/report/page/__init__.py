"""Reports as pages: one file of HTML, drawings included, that needs no other file.

What enters: a `Report`, an `Evaluation` or `Timing`s. What leaves: a page as text.
"""
