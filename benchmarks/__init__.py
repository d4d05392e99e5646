"""Measurements. Each prints a table with the machine and the ratio to its own limit."""
