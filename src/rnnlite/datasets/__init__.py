"""Whole data sets: samples read from files row by row, results written so that a run can go on."""
