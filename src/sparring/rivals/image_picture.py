"""The picture of generators of images: samples of each, below held-out images and above their reconstructions."""

from __future__ import annotations

import torch
from PIL import Image

from sparring.data import render
from sparring.rivals.images import ImageComparison, cells
from sparring.rivals.measure import SHOWN, Found
from sparring.runs.compare_picture import Block, arranged
from sparring.types import DataSpec


def rows_of_images(found: ImageComparison) -> Image.Image:
    """Three rows of each: two of samples, then the first held-out images reconstructed, where that can be."""
    figures = {each.name: each for each in found.rivals}
    blocks = []
    for name, images in found.pictures:
        spec = DataSpec("image", tuple(images.shape[1:]))
        white = images.new_full((3 * SHOWN - len(images), *images.shape[1:]), 255)
        title = titled(figures[name], found.distance) if name in figures else f"{found.data}: {name}"
        blocks.append(Block(title, render(spec, spec.encode(torch.cat([images, white])), SHOWN)))
    return arranged(blocks, 1)


def titled(rival: Found, distance: str) -> str:
    """Its name and main figures."""
    _, steps, seconds, far, wrong, *_ = cells(rival)
    last = (
        "third row: the first held-out images, reconstructed"
        if rival.reconstruction is not None
        else "no reconstruction"
    )
    return f"{rival.name} ({steps} steps, {seconds} s): {distance} {far}, reconstruction {wrong};   {last}"
