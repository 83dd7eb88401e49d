"""How the discriminator is shown examples, real and generated alike: with noise on them, or augmented."""

from sparring.views.noise import InstanceNoise

__all__ = ["InstanceNoise"]
