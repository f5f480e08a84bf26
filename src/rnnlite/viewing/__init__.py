"""Shows a file in third-party viewers, with the time and the error of each op as node data.

What enters: a .tflite file. What leaves: node data as JSON; an open viewer.
"""
