"""Measurements, as JSON; never a timed test. `python -m benchmarks --help`."""
