"""The chaptering stage: what is in a video, without watching it.

In: the video's plan, its shots and passages with their vectors, its transcript and on-screen text, and the chapters
that an editor locked. Out: chapters with titles (`chapters`), and summaries of the video in three lengths and of each
chapter (`summaries`), each sentence with the range that it comes from. Over gRPC: chapters as many as asked or at given
titles, and summaries of a range or about a focus, which are not stored.
"""
