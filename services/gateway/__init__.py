"""The public API: collections, videos, words, chapters, search. Checks names and limits, and keeps the catalog."""
