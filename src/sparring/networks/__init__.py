"""Networks that know nothing of how they are trained; one family a file."""

from sparring.networks.initialise import glorot
from sparring.networks.mlp import MLPDiscriminator, MLPGenerator

__all__ = ["MLPDiscriminator", "MLPGenerator", "glorot"]
