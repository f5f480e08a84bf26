"""Front ends: open any source and give a `Program`. They share nothing else with each other."""
