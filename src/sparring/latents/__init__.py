"""Latent codes put to use: their priors and truncation, paths between them, and the directions that change images."""
