"""The public API: collections, videos, words, search. Checks names and limits at the edge, and keeps the catalog."""
