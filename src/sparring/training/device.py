"""Where networks run."""

from __future__ import annotations

import torch

from sparring.errors import UsageError
from sparring.types import Machine


def choose_device(name: str | torch.device) -> torch.device:
    """The device of this name; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: no such device here.
    """
    name = str(name)
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if name.partition(":")[0] not in there:
        raise UsageError(f"there is no device {name!r}: choose auto, cpu, cuda or mps.")
    if not there[name.partition(":")[0]]:
        raise UsageError(f"this machine (or this build of torch) has no {name}. Leave --device out, or use cpu.")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"there is no device {name!r}: choose auto, cpu, cuda or mps.") from None
    if device.index is not None and device.index >= (torch.cuda.device_count() if device.type == "cuda" else 1):
        raise UsageError(f"this machine has no {name}.")
    return device


def machine_with(device: torch.device, threads: int) -> Machine:
    """What a choice of settings may know of this machine.

    Torch imitates bfloat16 on CPUs without instructions for it, slowly: those do not count as having it.
    """
    known: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch cannot tell
    there = any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return Machine(device.type, threads, bfloat16=device.type == "cpu" and there)
