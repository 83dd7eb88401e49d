"""The recipe `gan-mnist` as the tutorials write it: a plain PyTorch loop that nothing here shares code with."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler, TensorDataset


def make_generator(latent_dim: int = 100, pixels: int = 784) -> nn.Sequential:
    """100 → 256 → 512 → 1024 → 784: dense, LeakyReLU .2, batch norm; tanh."""
    layers: list[nn.Module] = []
    for before, after in ((latent_dim, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(before, after), nn.LeakyReLU(0.2), nn.BatchNorm1d(after, eps=1e-3, momentum=0.2)]
    return initialise(nn.Sequential(*layers, nn.Linear(1024, pixels), nn.Tanh()))


def make_discriminator(pixels: int = 784) -> nn.Sequential:
    """784 → 512 → 256 → 1: dense, LeakyReLU .2; sigmoid."""
    return initialise(
        nn.Sequential(
            *(nn.Linear(pixels, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2)),
            *(nn.Linear(256, 1), nn.Sigmoid()),
        )
    )


def initialise(network: nn.Sequential) -> nn.Sequential:
    """Glorot's uniform weights, no biases."""
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


class Tutorial:
    """DataLoader, two Adam optimisers, BCELoss on sigmoid outputs, real and fake in passes of their own."""

    def __init__(self, images: Tensor, batch: int, sampler: Sampler[int] | None = None) -> None:
        """``images`` (N, 784) float32 in [-1, 1]."""
        self.batch = batch
        self.generator, self.discriminator = make_generator(), make_discriminator()
        self.g_optimiser = torch.optim.Adam(self.generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.d_optimiser = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.criterion = nn.BCELoss()
        self.loader = DataLoader(
            TensorDataset(images),
            batch_size=batch // 2,
            sampler=sampler,
            shuffle=sampler is None,
            drop_last=True,
            generator=torch.Generator().manual_seed(0),
        )
        self.batches = self.endless()

    def endless(self) -> Iterator[Tensor]:
        """Half batches of real images, epoch after epoch."""
        while True:
            for (real,) in self.loader:
                yield real

    def __call__(self) -> tuple[float, float]:
        """One step; the discriminator's loss (mean over real and fake) and the generator's."""
        half = self.batch // 2
        real = next(self.batches)
        self.d_optimiser.zero_grad()
        real_loss = self.criterion(self.discriminator(real), torch.ones(half, 1))
        fake = self.generator(torch.randn(half, 100))
        fake_loss = self.criterion(self.discriminator(fake.detach()), torch.zeros(half, 1))
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        self.d_optimiser.step()

        self.g_optimiser.zero_grad()
        made = self.generator(torch.randn(self.batch, 100))
        g_loss = self.criterion(self.discriminator(made), torch.ones(self.batch, 1))
        g_loss.backward()
        self.g_optimiser.step()
        return d_loss.item(), g_loss.item()
