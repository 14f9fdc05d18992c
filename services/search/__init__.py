"""Search: makes videos findable by text.

In: `info`, `plan`, `shots` and `shot_vectors` of a video, `frames` and `frame_vectors` of its segments, and, online,
the text's vector from the embedding service. Out: rows in Milvus (nothing in the object store), and moments.
"""
