"""Networks that know nothing of how they are trained; one family a file."""

from sparring.networks.dcgan import DCGANFeatures, DCGANGenerator, UpsampleGenerator
from sparring.networks.encoder import Encoder, StandardisedEncoder, WithEncoder
from sparring.networks.heads import ClassifyingHead, Discriminator, Judgement, PairJudgement, Projection
from sparring.networks.initialise import gaussian, glorot
from sparring.networks.layers import (
    AttributeEmbedding,
    ClassEmbedding,
    Condition,
    Joined,
    MinibatchDeviation,
)
from sparring.networks.likelihoods import Bernoulli, Gaussian, Likelihood
from sparring.networks.mlp import MLPDiscriminator, MLPFeatures, MLPGenerator
from sparring.networks.noisy import NoisyClassifier, NoisyConvolutions
from sparring.networks.r3gan import R3GANFeatures, R3GANGenerator, R3GANJudgement
from sparring.networks.representation import Representation, representation_of
from sparring.networks.resnet import ResNetFeatures, ResNetGenerator
from sparring.networks.softplus import SoftplusGenerator
from sparring.networks.spectral import spectral
from sparring.networks.variational import GaussianEncoder, VariationalAutoencoder

__all__ = [
    "AttributeEmbedding",
    "Bernoulli",
    "ClassEmbedding",
    "ClassifyingHead",
    "Condition",
    "DCGANFeatures",
    "DCGANGenerator",
    "Discriminator",
    "Encoder",
    "Gaussian",
    "GaussianEncoder",
    "Joined",
    "Judgement",
    "Likelihood",
    "MLPDiscriminator",
    "MLPFeatures",
    "MLPGenerator",
    "MinibatchDeviation",
    "NoisyClassifier",
    "NoisyConvolutions",
    "PairJudgement",
    "Projection",
    "R3GANFeatures",
    "R3GANGenerator",
    "R3GANJudgement",
    "Representation",
    "ResNetFeatures",
    "ResNetGenerator",
    "SoftplusGenerator",
    "StandardisedEncoder",
    "UpsampleGenerator",
    "VariationalAutoencoder",
    "WithEncoder",
    "gaussian",
    "glorot",
    "representation_of",
    "spectral",
]
