"""Which of some known names a misspelt one probably means."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

LONGEST = 64
"""Characters of a name that are looked at."""
_ALIKE = 0.72
_CANDIDATES = 8
_COUNTED = 2000  # Entries of the index that are counted for one look-up.


class Names:
    """Known names. A look-up costs about a tenth of a millisecond, however many there are.

    The candidates are those that share most trigrams with the name, and the best of them is the one that has
    most letters with it in common, in the same order.
    """

    def __init__(self, meant: Mapping[str, str], alike: float = _ALIKE, divider: str = "") -> None:
        """`meant` gives the names to suggest by their folded spellings.

        `alike` is what two spellings must have in common, 0 to 1. With a `divider`, that goes for what stands
        behind the last one too: America/New_York and America/New_Delhi share little that tells them apart.
        """
        self._meant = meant
        self._alike = alike
        self._divider = divider
        self._index: dict[str, list[str]] = {}
        for spelling in meant:
            for trigram in _trigrams(spelling):
                self._index.setdefault(trigram, []).append(spelling)

    def closest(self, key: str) -> str | None:
        """What the folded spelling `key` probably means, or None where nothing comes close."""
        if key in self._meant:
            return self._meant[key]
        rated = [(self._rate(key, spelling), spelling) for spelling in self._candidates(key)]
        best, spelling = max(rated, key=lambda pair: pair[0], default=(0.0, ""))
        return self._meant[spelling] if best >= self._alike else None

    def _candidates(self, key: str) -> list[str]:
        wanted = _trigrams(key)
        # The rare trigrams first: they tell most, and the common ones cost most.
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
    """Looks for the one of `known` that is most like `name`, when it is called."""

    def look() -> str | None:
        names = known if isinstance(known, Names) else _names_of(tuple(known))
        return names.closest(_fold(name))

    return look


def names_of(known: Iterable[str]) -> Names:
    """Names that mean themselves, in whichever case they are written."""
    return Names({_fold(name): name for name in known})


_names_of = lru_cache(maxsize=128)(names_of)


def _fold(name: str) -> str:
    return name[:LONGEST].casefold()


def _trigrams(key: str) -> set[str]:
    padded = f"  {key} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


def _similarity(one: str, other: str) -> float:
    """How alike two texts are, 0 to 1: the letters in the longest sequence that both have, in its order."""
    # Bits of one number stand for the letters of `one`, so that a letter of `other` costs three operations
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
