"""Where chapters begin, what they are called, and which sentences sum them up; pure, on NumPy alone."""
