"""DINOv2's features: a vision transformer that was trained without labels, on many kinds of pictures.

Oquab et al. 2023 (arXiv:2304.07193); Stein et al. 2023 (arXiv:2306.04675) find that a Fréchet distance on them agrees
with people better than FID does. The published files hold weights only, and are read as such (``weights_only``); the
network is written here: the transformer of Dosovitskiy et al. 2021 with layer scales (Touvron et al. 2021).
"""

from __future__ import annotations

from pickle import UnpicklingError  # what torch raises where a file holds more than weights
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sparring.errors import SparringError, UsageError
from sparring.metrics.pretrained import Weights, find
from sparring.metrics.resize import as_rgb, resized

PATCH, TRAINED = 14, 37
"""Pixels of a patch's side, and how many patches the side of the images had that the positions were trained on."""
VIEW = 224
BATCH = 64
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class _Variant(NamedTuple):
    width: int
    depth: int
    heads: int
    sha256: str


VARIANTS: dict[str, _Variant] = {
    "s": _Variant(384, 12, 6, "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9"),
    "b": _Variant(768, 12, 12, "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73"),
    "l": _Variant(1024, 24, 16, "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428"),
}


def weights_of(size: str) -> Weights:
    """The published file.

    Raises:
        UsageError: there is none of that size.
    """
    if size not in VARIANTS:
        raise UsageError(f"DINOv2's size must be one of {', '.join(VARIANTS)}, got {size!r}")
    name = f"dinov2_vit{size}14"
    file = f"{name}_pretrain.pth"
    return Weights(file, f"https://dl.fbaipublicfiles.com/dinov2/{name}/{file}", VARIANTS[size].sha256)


class DINOv2Features:
    """The class token after the last norm: 384, 768 or 1 024 features (sizes s, b, l) of images with 1 or 3 channels.

    Images become 224 x 224 by Pillow's antialiased cubic filter. Papers use size l.
    """

    ranking_only = False

    def __init__(self, size: str = "l", *, download: bool = False, device: str | torch.device = "cpu") -> None:
        """Find (or fetch, with ``download``), check and load the weights; see ``pretrained.find`` for the errors."""
        weights = weights_of(size)
        variant = VARIANTS[size]
        self.name = f"dinov2-{size}"
        self.device = torch.device(device)
        self.network = Transformer(variant.width, variant.depth, variant.heads)
        path = find(weights, download=download)
        try:
            self.network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except (RuntimeError, ValueError, UnpicklingError) as error:
            reason = str(error).splitlines()[0]
            raise SparringError(f"{path} does not hold the weights of this network: {reason}") from error
        self.network.to(self.device).eval().requires_grad_(False)
        self.note = f"features: {variant.width} of DINOv2 ViT-{size.upper()}/14, images resized antialiased to {VIEW}"

    def __call__(self, images: Tensor) -> Tensor:
        """Features (n, d) float32 of images (n, C, H, W), C 1 or 3."""
        mean, deviation = (torch.tensor(v, device=self.device).view(3, 1, 1) for v in (MEAN, DEVIATION))
        with torch.inference_mode():
            found = [
                self.network((resized(part, VIEW).to(self.device) / 255 - mean) / deviation)
                for part in torch.split(as_rgb(images), BATCH)
            ]
            return torch.cat(found).clone()


class Transformer(nn.Module):
    """The network, with the names of the published weights: normalised images (n, 3, H, W) to (n, width)."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + TRAINED**2, width))
        # Used in training only, but the files have it.
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, PATCH)})
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """The class token after all blocks and the norm."""
        patches = self.patch_embed["proj"](x)
        tokens = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), tokens], 1)
        tokens = tokens + self._positions(patches.shape[2], patches.shape[3])
        for block in self.blocks:
            tokens = block(tokens)
        found: Tensor = self.norm(tokens)[:, 0]
        return found

    def _positions(self, rows: int, columns: int) -> Tensor:
        """The positions for so many patches, interpolated; the tenth of a patch is the authors': figures need it."""
        if rows == columns == TRAINED:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].transpose(1, 2).reshape(1, -1, TRAINED, TRAINED)
        scale = ((rows + 0.1) / TRAINED, (columns + 0.1) / TRAINED)
        made = F.interpolate(grid, scale_factor=scale, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], made.flatten(2).transpose(1, 2)], 1)


class Block(nn.Module):
    """Attention, then a perceptron, each normalised before, scaled after, and added."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.ls1, self.ls2 = (nn.ParameterDict({"gamma": nn.Parameter(torch.ones(width))}) for _ in range(2))
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (n, t, width) to tokens (n, t, width)."""
        x = x + self._attention(self.norm1(x)) * self.ls1["gamma"]
        hidden = F.gelu(self.mlp["fc1"](self.norm2(x)))
        changed: Tensor = x + self.mlp["fc2"](hidden) * self.ls2["gamma"]
        return changed

    def _attention(self, x: Tensor) -> Tensor:
        q, k, v = self.attn["qkv"](x).reshape(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        found: Tensor = self.attn["proj"](mixed)
        return found
