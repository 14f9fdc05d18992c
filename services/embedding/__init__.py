"""The embedding stage: pictures and texts become unit vectors.

Pictures share a joint space with texts about them; texts have a sentence space as well, in which they are compared with
each other. In: the sampled frames of a segment with their JPEGs; the shots, transcript, on-screen text, captions and
title of the video. Out: a unit vector a sampled frame and its likeliest classes (`frame_vectors`, `frame_classes`, each
an NPZ a segment), a unit vector a shot (`shot_vectors`), the passages that can be searched with a unit vector each
(`passages`, `passage_vectors`), and the title's (`title_vectors`). Over gRPC: vectors of texts and of pictures that
somebody waits for.
"""
