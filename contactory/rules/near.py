"""Which known name a misspelt one probably means."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

LONGEST = 64
"""How many characters of a name are compared."""
_ALIKE = 0.72
_CANDIDATES = 8
_COUNTED = 2000  # How many entries of the index one look-up reads.


class Names:
    """Known names. A look-up takes about a tenth of a millisecond, however many there are.

    The candidates are the names that share the most trigrams with the given one. The best of them shares the
    most letters with it, in the same order.
    """

    def __init__(self, meant: Mapping[str, str], alike: float = _ALIKE, divider: str = "") -> None:
        """`meant` has the names to suggest by their case-folded spellings.

        `alike` is the required similarity of two spellings, 0 to 1. With a `divider`, the parts after the
        last divider must also be similar: America/New_York and America/New_Delhi differ where it matters.
        """
        self._meant = meant
        self._alike = alike
        self._divider = divider
        self._index: dict[str, list[str]] = {}
        for spelling in meant:
            for trigram in _trigrams(spelling):
                self._index.setdefault(trigram, []).append(spelling)

    def closest(self, key: str) -> str | None:
        """The name that the case-folded spelling `key` probably means, or None if none is similar."""
        if key in self._meant:
            return self._meant[key]
        rated = [(self._rate(key, spelling), spelling) for spelling in self._candidates(key)]
        best, spelling = max(rated, key=lambda pair: pair[0], default=(0.0, ""))
        return self._meant[spelling] if best >= self._alike else None

    def _candidates(self, key: str) -> list[str]:
        wanted = _trigrams(key)
        # Rare trigrams first: they say the most, and the common ones cost the most.
        found = sorted((self._index[t] for t in wanted if t in self._index), key=len)
        shared: Counter[str] = Counter()
        counted = 0
        for spellings in found:
            shared.update(spellings)
            counted += len(spellings)
            if counted > _COUNTED:
                break
        return sorted(shared, key=lambda s: (-2 * shared[s] / (len(wanted) + len(s) + 1), s))[:_CANDIDATES]

    def _rate(self, key: str, spelling: str) -> float:
        whole = _similarity(key, spelling)
        if not self._divider:
            return whole
        return min(
            whole, _similarity(key.rpartition(self._divider)[2], spelling.rpartition(self._divider)[2])
        )


def nearest(name: str, known: Iterable[str] | Names) -> Callable[[], str | None]:
    """A function that looks for the name in `known` that is most similar to `name`."""

    def look() -> str | None:
        names = known if isinstance(known, Names) else _names_of(tuple(known))
        return names.closest(_fold(name))

    return look


def names_of(known: Iterable[str]) -> Names:
    """Names that mean themselves, in upper or lower case."""
    return Names({_fold(name): name for name in known})


_names_of = lru_cache(maxsize=128)(names_of)


def _fold(name: str) -> str:
    return name[:LONGEST].casefold()


def _trigrams(key: str) -> set[str]:
    padded = f"  {key} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


def _similarity(one: str, other: str) -> float:
    """The similarity of two texts, 0 to 1: the letters of their longest common subsequence."""
    # The bits of one number stand for the letters of `one`, so a letter of `other` takes three operations
    # (H. Hyyrö, Bit-parallel LCS-length computation revisited, 2004).
    if not one or not other:
        return 0.0
    places: dict[str, int] = {}
    for index, letter in enumerate(one):
        places[letter] = places.get(letter, 0) | 1 << index
    unmatched = every = (1 << len(one)) - 1
    for letter in other:
        here = unmatched & places.get(letter, 0)
        unmatched = (unmatched + here) | (unmatched - here)
    common = len(one) - (unmatched & every).bit_count()
    return 2 * common / (len(one) + len(other))
