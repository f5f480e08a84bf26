"""The flatbuffer side: convert, read and edit, name, inspect."""
