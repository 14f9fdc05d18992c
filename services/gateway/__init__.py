"""The public API: collections, videos, search. Checks names and limits at the edge, and keeps the catalog."""
