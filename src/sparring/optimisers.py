"""The optimisers of recipes, and torch's fused Adam with less overhead around each step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


class LeanAdam(torch.optim.Adam):
    """torch's fused Adam (Kingma & Ba 2015, algorithm 1): the same numbers, the same state.

    ``torch.optim.Adam.step`` gathers its tensors anew at every step, and counts steps in one tensor a parameter. For a
    small network on a CPU that costs half as much as the update itself; here it is done once. Torch's methods are
    called without the decorators that keep its compiler out: these load the compiler, which takes longer than a
    thousand steps.
    """

    add_param_group = inspect.unwrap(torch.optim.Adam.add_param_group)
    state_dict = inspect.unwrap(torch.optim.Adam.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Adam.load_state_dict)

    def __init__(self, params: Any, lr: float | Tensor, betas: tuple[float, float], eps: float = 1e-8) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, fused=True, capturable=isinstance(lr, Tensor))
        self.gathered: list[list[list[Tensor]]] = []
        self.counts: list[Tensor] = []

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Update every parameter by its gradient."""
        gradients = [[p.grad for p in group["params"]] for group in self.param_groups]
        if closure is not None or not self.gathered or any(g is None for group in gradients for g in group):
            with torch.no_grad():
                result = inspect.unwrap(torch.optim.Adam.step)(self, closure)
            self.gather()
            return result
        with torch.no_grad():
            for group, lists, count, grads in zip(
                self.param_groups, self.gathered, self.counts, gradients, strict=True
            ):
                count.add_(1)
                torch._fused_adam_(
                    lists[0],
                    grads,
                    lists[1],
                    lists[2],
                    [],
                    lists[3],
                    lr=group["lr"],
                    beta1=group["betas"][0],
                    beta2=group["betas"][1],
                    weight_decay=0.0,
                    eps=group["eps"],
                    amsgrad=False,
                    maximize=False,
                )
        return None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up another state, as ``load_state_dict`` does: its tensors are gathered at the next step."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.gathered, self.counts = [], []

    def gather(self) -> None:
        """Keep each group's tensors as lists, and its step counts as the entries of one tensor."""
        self.gathered, self.counts = [], []
        for group in self.param_groups:
            states = [self.state[p] for p in group["params"]]
            known = all(p.device.type in ("cpu", "cuda") for p in group["params"])  # nobody has tried others
            if not known or any("step" not in state for state in states):
                self.gathered = []
                return
            counts = torch.stack([state["step"] for state in states])
            for state, count in zip(states, counts, strict=True):
                state["step"] = count
            columns = [[state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step")]
            self.gathered.append([group["params"], *columns])
            self.counts.append(counts)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015), in its fused form."""

    beta1: float
    beta2: float
    eps: float = 1e-8

    def __call__(self, parameters: list[nn.Parameter], lr: float | Tensor) -> torch.optim.Optimizer:
        """One for these parameters."""
        return LeanAdam(parameters, lr=lr, betas=(self.beta1, self.beta2), eps=self.eps)


@dataclass(frozen=True)
class Nesterov:
    """Stochastic gradient descent with Nesterov's momentum."""

    momentum: float

    def __call__(self, parameters: list[nn.Parameter], lr: float | Tensor) -> torch.optim.Optimizer:
        """One for these parameters."""
        return torch.optim.SGD(parameters, lr=lr, momentum=self.momentum, nesterov=True, fused=isinstance(lr, Tensor))


@dataclass(frozen=True)
class RMSProp:
    """RMSProp (Hinton 2012), as torch has it."""

    def __call__(self, parameters: list[nn.Parameter], lr: float | Tensor) -> torch.optim.Optimizer:
        """One for these parameters."""
        static = isinstance(lr, Tensor)  # of torch's ways, only this one reads such a rate on the device
        return torch.optim.RMSprop(parameters, lr=lr, foreach=static or None, capturable=static)
