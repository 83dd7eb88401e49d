"""How steps are played: one operation after another, or all of them as one graph, captured once and replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from typing import Protocol

import torch
from torch import Tensor

from sparring.data.draw import draw_indices
from sparring.errors import SparringError, UsageError
from sparring.training.draw import GAME, REAL_STREAMS, Draw
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import DataSource, Recipe, SeesFirst, Statistics

WARM_UP = 3
"""Steps of each stage before it is captured: they make the optimisers' tensors and the libraries' workspaces."""


FIRST = 500
"""Examples that first weights are fitted to, as in the code of Salimans et al. 2016."""


class Recorder(Protocol):
    """What ``Captured`` asks of a device."""

    def aside(self) -> AbstractContextManager[object]:
        """Within, work goes where it will be captured; what comes before and after keeps its order."""
        ...

    def record(self, work: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Capture what ``work`` does on the device, without doing it. A call of what is returned does it, on the same
        memory each time, and gives the same tensor, filled anew."""
        ...


class CudaRecorder:
    """CUDA graphs of torch.

    The steps before a capture run on the stream that captures: there the autograd nodes of parameters, the matrix
    libraries' handles and their workspaces belong. Replays may run on any stream.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.stream = device, side_stream(device)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within, work goes to the stream that captures."""
        here = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(here)
        with torch.cuda.stream(self.stream):
            yield
        here.wait_stream(self.stream)

    def record(self, work: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Capture a CUDA graph, in memory of its own."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self.device), torch.cuda.graph(graph, stream=self.stream):
            made = work()

        def replay() -> Tensor:
            graph.replay()
            return made

        return replay


@cache
def side_stream(device: torch.device) -> torch.cuda.Stream:
    """The stream of a device that captures: one for all, as the matrix libraries keep a workspace for each."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


class Captured(Step):
    """A step that is played a few times, then captured, and from there on replayed.

    All of its steps are real ones: none is repeated or thrown away. Torch's generator on CUDA hands its seed and its
    place in the stream of random numbers to a graph at each replay, so that the numbers of a step are those that it
    would draw uncaptured.
    """

    def __init__(self, recipe: Recipe, state: State, draw: Draw, recorder: Recorder) -> None:
        super().__init__(recipe, state, draw)
        self.recorder = recorder
        self.stage, self.played = -1, 0
        self.replay: Callable[[], Tensor]
        self.names: list[list[str]] = []
        """What each move of the captured stage measures."""

    def play(self, stage: int) -> list[Statistics]:
        """The moves of the step that was prepared."""
        if stage != self.stage:
            self.stage, self.played = stage, 0
        self.played += 1
        if self.played <= WARM_UP or not self.draw.moves[stage]:
            with self.recorder.aside():
                return super().play(stage)
        if self.played == WARM_UP + 1:
            self.replay = self.record(stage)
        measured = iter(self.replay().clone().unbind())  # the next replay overwrites them
        return [{name: next(measured) for name in names} for names in self.names]

    def record(self, stage: int) -> Callable[[], Tensor]:
        """Capture a step of a stage.

        Raises:
            SparringError: some operation of it cannot be captured, or there is too little memory.
        """
        try:
            return self.recorder.record(partial(self.measure, stage))
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise SparringError(f"the step cannot be captured ({reason}). Give --set engine=eager.") from error

    def measure(self, stage: int) -> Tensor:
        """Play, and lay all that was measured into one tensor."""
        statistics = super().play(stage)
        self.names = [list(measured) for measured in statistics]
        return torch.stack([value.float() for measured in statistics for value in measured.values()])


def captures(engine: str, device: torch.device) -> bool:
    """Whether an engine of this name captures on this device.

    Raises:
        UsageError: it should, and cannot.
    """
    if engine == "captured" and device.type != "cuda":
        raise UsageError(f"engine=captured needs a CUDA device, not {device}: leave engine out, or give --device cuda.")
    return engine != "eager" and device.type == "cuda"


def make_step(recipe: Recipe, source: DataSource, device: torch.device) -> Step:
    """The first state of a recipe on a device, and the step that changes it, by the recipe's engine.

    Raises:
        UsageError: the device cannot do what the engine asks.
    """
    static = captures(recipe.engine, device)
    # Balanced rates are known on the device alone: as numbers of Python they would have every step wait for it.
    rates = static or (bool(recipe.balance) and device.type == "cuda")
    state, draw = State(recipe, device, static=rates), Draw(recipe, source, device, static=static)
    show_first(state, source)
    return Captured(recipe, state, draw, CudaRecorder(device)) if static else Step(recipe, state, draw)


def show_first(state: State, source: DataSource) -> None:
    """Show a discriminator some examples, if its first weights depend on them (``SeesFirst``); averages follow."""
    discriminator = state.players.discriminator
    if not isinstance(discriminator, SeesFirst):
        return
    first = draw_indices(len(source), state.recipe.seed, REAL_STREAMS[GAME], 0, min(FIRST, len(source)))
    place = next(discriminator.parameters()).device
    discriminator.first_pass(source.spec.encode(source.read(first).x.to(place)))
    for average, network in state.averaged():
        average.load_state_dict(network.state_dict())
