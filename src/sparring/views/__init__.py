"""How the discriminator is shown examples, real and generated alike: with noise on them, or augmented."""

from sparring.views.adaptive import AdaptiveAugmentation
from sparring.views.diffaugment import DiffAugment
from sparring.views.noise import InstanceNoise

__all__ = ["AdaptiveAugmentation", "DiffAugment", "InstanceNoise"]
