"""The matrix of runtimes: which converted files run where, and whether they are right there."""
