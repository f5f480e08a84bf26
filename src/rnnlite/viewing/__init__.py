"""Look inside a file with viewers that others make: with our time of each op as their node data.

What enters: a .tflite file. What leaves: node data as JSON, and a viewer that is open.
"""
