"""Whatever is wrong: one clear line, the right exit code, nothing lost and nothing half-written."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPARRING_DATA", raising=False)


@pytest.fixture(scope="session")
def one_line() -> Callable[..., None]:
    """Asserts that a command ended with a code and a single line that says certain words."""

    def check(result, code: int, *says: str) -> None:
        assert result.code == code, result
        assert result.err.startswith("spar: "), result.err
        assert result.err.count("\n") == 1, result.err
        assert result.err.endswith("\n")
        assert "Traceback" not in result.err + result.out
        assert len(result.err) < 700
        for words in says:
            assert words in result.err, result.err

    return check


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """The names and contents of all files of a folder."""

    def look(folder: Path) -> dict[str, bytes]:
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    return look
