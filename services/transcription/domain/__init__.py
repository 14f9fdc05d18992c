"""Rules of transcription; pure."""
