"""One thread for small work: more threads cost more than they gain, on a busy machine up to 20 times more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread_if(small: bool) -> Iterator[None]:
    """Compute with a single CPU thread inside, if the work is small; torch's number of threads is put back after it."""
    before = torch.get_num_threads()
    if not small or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
