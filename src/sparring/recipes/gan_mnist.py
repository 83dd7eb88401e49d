"""The multi-layer perceptron GAN of the tutorials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def gan_mnist(
    spec: DataSpec, *, latent_dim: int = 100, updates: Literal["one", "two"] = "one", augment: str = "none"
) -> Recipe:
    """Multi-layer perceptrons on images of any size, as the tutorials train them on MNIST; and on points.

    ``updates``: the discriminator moves once a step, on half a batch of real and half a batch of generated images
    joined; or twice, on real and then on fake made with the generator's running averages, as the tutorials' script.
    ``augment``, with one update: how the discriminator is shown images: diffaugment or ada, for small sets, or noise,
    on points too.
    """
    from functools import partial

    from sparring.game import Adversarial, TwoUpdates
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, normal, view_for
    from sparring.recipes.perceptrons import image_discriminator, image_generator
    from sparring.types import Recipe

    game = partial(Adversarial, joined=True, half=True) if updates == "one" else TwoUpdates
    return Recipe(
        paper="Goodfellow et al. 2014, Generative adversarial nets, arXiv:1406.2661, sections 3 and 5",
        generator=lambda: image_generator(latent_dim, spec.shape, bounded=spec.kind == "image"),
        discriminator=lambda: image_discriminator(spec.shape),
        game=game(non_saturating, view=view_for(augment, spec)),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        steps=30_000,
        batch=32,
        grid_every=200,
    )
