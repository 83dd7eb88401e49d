"""Convolutional networks, in both readings of DCGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def dcgan(
    spec: DataSpec,
    *,
    latent_dim: int = 100,
    width: int = 64,
    minibatch: int = 0,
    pack: int = 1,
    smoothing: float = 0.0,
    matching: bool = False,
    augment: str = "none",
) -> Recipe:
    """Convolutions of stride 2 on images of any size: the networks that made GANs work.

    ``width``: channels of the largest maps (the paper: 128). ``minibatch``: groups of so many show the discriminator
    how much they differ (Karras et al. 2018); 0 or 1: not. ``pack``: images that it judges as one (Lin et al. 2018); a
    batch is that many packs. ``smoothing``: the share by which labels of real images are smoothed; ``matching``: the
    generator has to match the mean of the discriminator's features (both: Salimans et al. 2016). ``augment``: how it is
    shown images: diffaugment or ada, for small sets, or noise.
    """
    from functools import partial

    from sparring.game import Adversarial, FeatureMatching
    from sparring.networks import DCGANFeatures, DCGANGenerator, Discriminator, Judgement, gaussian
    from sparring.objectives import non_saturating, smooth
    from sparring.recipes.parts import adam, image_shape, normal, view_for
    from sparring.types import Recipe

    shape = image_shape(spec, "dcgan")
    objective = smooth(non_saturating, smoothing) if smoothing else non_saturating
    game = FeatureMatching if matching else Adversarial
    judged = (pack * shape[0], shape[1], shape[2])
    head = partial(Judgement, bias=False)
    return Recipe(
        paper="Radford, Metz & Chintala 2016, Unsupervised representation learning with DCGANs, arXiv:1511.06434",
        generator=lambda: gaussian(DCGANGenerator(latent_dim, shape, width)),
        discriminator=lambda: gaussian(Discriminator(DCGANFeatures(judged, width, minibatch=minibatch), head)),
        game=game(objective, pack=pack, view=view_for(augment, spec)),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        steps=20_000,
        batch=128,
    )


def dcgan_upsample(
    spec: DataSpec,
    *,
    latent_dim: int = 100,
    width: int = 32,
    dropout: float = 0.25,
    pool: bool = False,
    augment: str = "none",
) -> Recipe:
    """DCGAN as the tutorials build it: upsampling and convolutions of stride 1, dropout in the discriminator.

    ``width``: channels of the largest maps. ``pool``: the discriminator pools maxima instead of striding. ``augment``:
    what the discriminator sees, for small sets: diffaugment or ada.
    """
    from sparring.game import Adversarial
    from sparring.networks import DCGANFeatures, Discriminator, UpsampleGenerator, gaussian
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, image_shape, normal, view_for
    from sparring.types import Recipe

    shape = image_shape(spec, "dcgan-upsample")
    return Recipe(
        paper="Radford et al. 2016, arXiv:1511.06434; upsampling: Odena et al. 2016, doi:10.23915/distill.00003",
        generator=lambda: gaussian(UpsampleGenerator(latent_dim, shape, width)),
        discriminator=lambda: gaussian(Discriminator(DCGANFeatures(shape, width, dropout=dropout, pool=pool))),
        game=Adversarial(non_saturating, view=view_for(augment, spec)),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        steps=20_000,
        batch=64,
    )
