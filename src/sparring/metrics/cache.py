"""Networks that were trained for features, kept in the cache: safetensors with facts as JSON in the header."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from sparring.cache_folder import cache_folder
from sparring.errors import SparringError
from sparring.files import write_atomically


def path_for(key: tuple[str, ...]) -> Path:
    """The file of a key; a key consists of everything that the weights depend on."""
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
    return cache_folder() / "features" / f"{key[0]}-{digest}.safetensors"


def save_network(network: nn.Module, key: tuple[str, ...], facts: dict[str, Any]) -> bool:
    """Keep a network's weights and some facts (JSON values). False if the disk refuses: the cache is a convenience."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    header = {"sparring": json.dumps({"key": key, "facts": facts, "digest": _digest(tensors)})}
    try:
        write_atomically(path_for(key), save(tensors, metadata=header))
    except SparringError:
        return False
    return True


def load_network(network: nn.Module, key: tuple[str, ...]) -> dict[str, Any] | None:
    """Load the weights that were kept under a key, and give their facts.

    None, with the network unchanged, if nothing was kept or the file is damaged or of another network.
    """
    try:
        with safe_open(path_for(key), framework="pt") as file:
            header = json.loads((file.metadata() or {})["sparring"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        expected = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
        found = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
        if found != expected or header["key"] != list(key) or header["digest"] != _digest(tensors):
            return None
        facts: dict[str, Any] = dict(header["facts"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None
    network.load_state_dict(tensors)
    return facts


def _digest(tensors: dict[str, Tensor]) -> str:
    """A checksum of the values: a file can be damaged and still be well-formed."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
