"""The embedding stage: pictures and texts become unit vectors of one joint space.

In: the sampled frames of a segment with their JPEGs, and the shots of the video. Out: a unit vector a sampled frame
(`frame_vectors`, one NPZ a segment) and a unit vector a shot (`shot_vectors`, one NPZ a video). Over gRPC: vectors of
texts and of pictures that somebody waits for.
"""
