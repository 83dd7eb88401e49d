"""Networks that know nothing of how they are trained; one family a file."""

from sparring.networks.dcgan import DCGANFeatures, DCGANGenerator, UpsampleGenerator
from sparring.networks.heads import Classifier, Discriminator, Judgement, Projection
from sparring.networks.initialise import gaussian, glorot
from sparring.networks.layers import (
    AttributeEmbedding,
    ClassEmbedding,
    Condition,
    Joined,
    MinibatchDeviation,
)
from sparring.networks.mlp import MLPDiscriminator, MLPGenerator
from sparring.networks.noisy import NoisyClassifier, NoisyConvolutions
from sparring.networks.r3gan import R3GANFeatures, R3GANGenerator
from sparring.networks.resnet import ResNetFeatures, ResNetGenerator
from sparring.networks.spectral import spectral

__all__ = [
    "AttributeEmbedding",
    "ClassEmbedding",
    "Classifier",
    "Condition",
    "DCGANFeatures",
    "DCGANGenerator",
    "Discriminator",
    "Joined",
    "Judgement",
    "MLPDiscriminator",
    "MLPGenerator",
    "MinibatchDeviation",
    "NoisyClassifier",
    "NoisyConvolutions",
    "Projection",
    "R3GANFeatures",
    "R3GANGenerator",
    "ResNetFeatures",
    "ResNetGenerator",
    "UpsampleGenerator",
    "gaussian",
    "glorot",
    "spectral",
]
