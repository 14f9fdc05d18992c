"""Tiny films made at run time, with known truth; and files that are none."""
