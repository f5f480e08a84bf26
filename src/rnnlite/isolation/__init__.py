"""What may end the process runs in another one: worker processes that are kept and used again."""
