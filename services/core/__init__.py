"""Nouns and rules that every service needs: names, times, media, jobs, artifacts, vectors, errors. Pure: Python and NumPy alone."""
