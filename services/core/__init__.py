"""Nouns and rules that every service needs: names, times, media, jobs, artifacts, errors. Python and NumPy alone."""
