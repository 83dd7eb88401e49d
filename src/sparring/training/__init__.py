"""Training: the loop, the step it repeats, the state it saves, and the directory where it lies."""
