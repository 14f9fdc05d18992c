"""The vidx platform: one package a service, plus what they share."""
