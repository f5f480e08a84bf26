"""Reports as pages: one file of HTML with drawings of our own; it needs nothing from elsewhere."""
