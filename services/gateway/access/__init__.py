"""Who may do what on the public API: callers, the collections that a request names, and the guard at the door."""
