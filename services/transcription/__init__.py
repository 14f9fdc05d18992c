"""Transcription: subtitles and speech become transcripts.

In: `info` (what was given with the video), `subtitles` (the file's text streams), `audio` of the segments. Out, of the
video: `subtitle_cues` (every track of subtitles) and `transcript` (the tracks to show and search, with sentences). Out,
of each segment: `heard` (what a recognizer made of its speech, when there are no subtitles).
"""
