"""Search: makes videos findable by text.

In: `info`, `plan`, `shots`, `shot_labels`, `shot_vectors`, `passages`, `passage_vectors` and `title_vectors` of a
video, `frames` and `frame_vectors` of its segments, and, online, the query's vectors from the embedding service.
Out: rows of pictures and of texts in Milvus (nothing in the object store), moments, and counts of labels.
"""
