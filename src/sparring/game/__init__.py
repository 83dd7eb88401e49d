"""The games: who moves when, on what, and what each move is worth. One game a file."""

from sparring.game.adversarial import Adversarial
from sparring.game.autoencoding import Reconstruction, VariationalBound
from sparring.game.auxiliary_classifier import AuxiliaryClassifier, AuxiliaryRegression
from sparring.game.bigan import BiGAN
from sparring.game.critic import judge, skill
from sparring.game.feature_matching import FeatureMatching
from sparring.game.few_labels import FewLabels, Supervised
from sparring.game.two_updates import TwoUpdates
from sparring.game.unrolled import Unrolled

__all__ = [
    "Adversarial",
    "AuxiliaryClassifier",
    "AuxiliaryRegression",
    "BiGAN",
    "FeatureMatching",
    "FewLabels",
    "Reconstruction",
    "Supervised",
    "TwoUpdates",
    "Unrolled",
    "VariationalBound",
    "judge",
    "skill",
]
