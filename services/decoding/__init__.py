"""Decoding: opens the source and gives everything later stages look at or listen to.

In: `source`. Out, of the video: `plan` (probe and segments), `subtitles` (WebVTT of the text streams, when there are
any), `shots`. Out, of each segment: `frames` and `jpegs` (sampled frames), `cuts` (its shots), `thumbnails`, `audio`
(when there is sound). Over gRPC also a frame, and ranges joined to an MP4 file. Media is opened in child processes
only.
"""
