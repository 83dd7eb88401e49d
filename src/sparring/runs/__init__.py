"""A training on disk, and what can be asked of it: samples, figures, directions, files."""
