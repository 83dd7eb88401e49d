"""Measures of how close samples are to data, as pure functions on features and points, and the features of images."""
