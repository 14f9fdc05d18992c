"""Hostile files through the services' own functions, and through a whole platform: `make hostile`."""
