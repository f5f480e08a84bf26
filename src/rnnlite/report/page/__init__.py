"""Reports as pages: one file of HTML with drawings of our own; it needs nothing from elsewhere.

What enters: a `Report`, an `Evaluation` or `Timing`s. What leaves: a page as text.
"""
