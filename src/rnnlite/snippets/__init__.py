"""Short programs that run a file, in several languages: templates, and what is filled in."""
