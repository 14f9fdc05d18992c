"""Real servers that tests start on free loopback ports and stop by their own process."""
