"""Which parts of an augmentation are played: names with commas between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from sparring.errors import UsageError
from sparring.settings import nearest


def parts(
    policy: str, known: Collection[str], groups: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> frozenset[str]:
    """The parts that a policy names, one by one or as groups.

    Raises:
        UsageError: a name that is neither.
    """
    found: set[str] = set()
    for name in (word.strip() for word in policy.split(",")):
        if name not in groups and name not in known:
            raise UsageError(f"there is no augmentation {name!r}.{nearest(name, [*groups, *known])}")
        found.update(groups.get(name, (name,)))
    return frozenset(found)
