"""The chaptering stage: what is in a video, without watching it.

In: the video's plan, its shots and passages with their vectors, its transcript and on-screen text, and the chapters
that an editor locked. Out: chapters with titles (`chapters`), and summaries of the video in three lengths and of each
chapter (`summaries`), each sentence with the range that it comes from. Over gRPC: chapters as many as asked or at given
titles, summaries of a range or about a focus, what stands out in a video or answers a query and what a short version of
it keeps, and answers to questions that cite what they rest on, which are not stored. A language model may write titles,
summaries and answers; what it writes is checked against the video, and what is built in stands in when it fails.
"""
