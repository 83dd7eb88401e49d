"""Errors that a user sees: one clear line each, and the exit code of the command."""


class SparringError(Exception):
    """The machine or the training failed (exit code 1): no disk space, a value that is not finite."""

    exit_code = 1


class UsageError(SparringError):
    """Wrong usage or unusable input (exit code 2). The message says what is wrong, where, and what to do."""

    exit_code = 2


OUT_OF_MEMORY = "not enough memory. Ask for less at once: fewer samples, a smaller --batch, narrower networks."


def out_of_memory(error: Exception) -> bool:
    """Whether an error of Python's, or of torch's on the CPU or a GPU, says that memory has run out."""
    return isinstance(error, MemoryError) or any(
        words in str(error) for words in ("can't allocate memory", "out of memory")
    )
