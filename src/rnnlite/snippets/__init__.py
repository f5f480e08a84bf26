"""Short programs that run a file, in several languages: templates, and what is filled in.

What enters: a .tflite file, and the name of a language. What leaves: the text of a program.

The function `snippet` is in `render`. `facts` says what a program has to know of the file,
`languages` how that is written in each language; `templates/` has the programs.
"""
