"""Measurements, as ratios in one run on one machine; never a test, because times are of the machine that measures."""
