"""The platform on one machine: settings in, a supervised set of local servers out.

`programs` says what runs, `supervisor` runs it, `health` says when it is ready, `processes` finds what is left, and
`platform` puts these in order for `up` and `down`.
"""
