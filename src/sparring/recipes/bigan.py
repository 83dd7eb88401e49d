"""The bidirectional game: a generator, and an encoder that learns the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def bigan(spec: DataSpec, *, latent_dim: int = 100, width: int = 64) -> Recipe:
    """DCGAN's networks and an encoder: images and latent codes are judged in pairs, so codes of images are learned too.

    ``width``: channels of the largest maps, of all three networks. The codes: ``run.encode``, ``spar features --from``.
    """
    from functools import partial

    from sparring.game import BiGAN
    from sparring.networks import (
        DCGANFeatures,
        DCGANGenerator,
        Discriminator,
        Encoder,
        PairJudgement,
        WithEncoder,
        gaussian,
    )
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, image_shape, normal
    from sparring.types import Recipe

    shape = image_shape(spec, "bigan")
    head = partial(PairJudgement, latent_dim=latent_dim)

    def generator() -> WithEncoder:
        encoder = Encoder(DCGANFeatures(shape, width), latent_dim)
        return WithEncoder(gaussian(DCGANGenerator(latent_dim, shape, width)), gaussian(encoder))

    return Recipe(
        paper="Donahue, Krähenbühl & Darrell 2017, Adversarial feature learning, arXiv:1605.09782",
        generator=generator,
        discriminator=lambda: gaussian(Discriminator(DCGANFeatures(shape, width), head)),
        game=BiGAN(non_saturating),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        steps=20_000,
        batch=128,
    )
