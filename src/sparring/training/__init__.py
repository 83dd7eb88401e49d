"""Training: the loop, the step it repeats, the state it saves, and the run it leaves on disk."""
