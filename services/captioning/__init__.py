"""The captioning stage: what is seen, put into words.

In: the sampled frames of a segment with their JPEGs, vectors and likeliest classes; the plan and the shots of the
video, their vectors, and its VideoInfo. Out, of each segment: `readings` (on-screen text) and `descriptions` (captions
of the shots that begin there); of the video: `on_screen_text`, `captions` and `shot_labels` (labels of the collection's
own list). Over gRPC: a caption or the text of pictures that somebody brings.
"""
