"""Inception's features, the ones that FID is defined on: the TorchScript file of the StyleGAN line.

Heusel et al. 2017 (arXiv:1706.08500) take the 2 048 features of the network of 2015-12-05. The file is that network as
a TorchScript program, and whoever loads and calls it runs that program (in TorchScript's interpreter, not as Python):
so its SHA-256 is checked first, and no other file is loaded.

The protocol is part of a figure's name, because figures of different protocols cannot be compared:

- ``stylegan``: the network resizes the images itself, as TensorFlow did, without antialiasing: ``fid10k``,
  ``fid50k_full`` (50 000 samples against all training images) of StyleGAN's papers;
- ``clean``: Pillow's antialiased cubic filter before it (Parmar et al. 2022, arXiv:2104.11222): ``clean-fid10k`` …
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from sparring.errors import SparringError, UsageError
from sparring.metrics.images import in_grey_values, repeatable_convolutions
from sparring.metrics.pretrained import Weights, find
from sparring.metrics.resize import as_rgb, resized

Protocol = Literal["clean", "stylegan"]

WEIGHTS = Weights(
    "inception-2015-12-05.pt",
    "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
    "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
)
SIZE = 299
BATCH = 64


class InceptionFeatures:
    """2 048 features of images with one or three channels, of any size."""

    name = "inception"
    ranking_only = False

    def __init__(
        self, *, protocol: Protocol = "clean", download: bool = False, device: str | torch.device = "cpu"
    ) -> None:
        """Find (or fetch, with ``download``), check and load the network; see ``pretrained.find`` for the errors."""
        if protocol not in ("clean", "stylegan"):
            raise UsageError(f"protocol must be 'clean' or 'stylegan', got {protocol!r}")
        self.protocol = protocol
        self.device = torch.device(device)
        path = find(WEIGHTS, download=download)
        try:
            self.network = torch.jit.load(str(path), map_location=self.device).eval()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise SparringError(f"this torch cannot load {path}: {str(error).splitlines()[0]}") from error

    @property
    def note(self) -> str:
        """Which features these are."""
        resizing = "antialiased (clean-fid)" if self.protocol == "clean" else "by the network, as StyleGAN's code does"
        return f"features: 2048 of Inception (2015-12-05), images resized {resizing}"

    def distance_name(self, n: int, *, full: bool = False) -> str:
        """What a Fréchet distance of n samples is called; ``full``: the reference is the whole training part."""
        count = f"{n // 1000}k" if n % 1000 == 0 else str(n)
        return f"{'clean-' if self.protocol == 'clean' else ''}fid{count}{'_full' if full else ''}"

    def __call__(self, images: Tensor) -> Tensor:
        """Features (n, 2048) float32 of images (n, C, H, W), C 1 or 3."""
        return self._each(images, self._features)

    def probabilities(self, images: Tensor) -> Tensor:
        """p(y|x), (n, classes), for ``label_score``: the program's own, so resized by it, and without the last bias."""
        return self._each(images, lambda x: self.network(in_grey_values(x).to(self.device), no_output_bias=True))

    def _each(self, images: Tensor, view: Callable[[Tensor], Tensor]) -> Tensor:
        rgb = as_rgb(images)
        with torch.inference_mode(), repeatable_convolutions(tuple(rgb.shape[1:]), 0):
            return torch.cat([view(part) for part in torch.split(rgb, BATCH)]).clone()

    def _features(self, part: Tensor) -> Tensor:
        found: Tensor
        if self.protocol == "clean":
            found = self.network.layers((resized(part, SIZE).to(self.device) - 128) / 128)
        else:
            found = self.network(in_grey_values(part).to(self.device), return_features=True)
        return found.flatten(1)
