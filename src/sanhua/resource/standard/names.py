"""Names compared: what a column is called against what elements are called."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from sanhua.resource.contract import Property
from sanhua.resource.standard.element import DataElement, names_of

BY_ID, BY_NAME, BY_WORDS = Decimal("1.00"), Decimal("0.95"), Decimal("0.8")
BY_PART, BY_UNIT = Decimal("0.60"), Decimal("0.45")
WORDS_MIN = Decimal("0.5")  # share of common words below which names say nothing
PLACES = Decimal("0.01")
ONE = Decimal(1)


def plain(name: str) -> str:
    """Without case, blanks and separators: `Usage_kWh` and `usage kwh` are one name."""
    return re.sub(r"[\W_]+", "", name).casefold()


def tokens(name: str) -> frozenset[str]:
    """Latin words and Chinese character pairs."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    latin = re.findall(r"[a-z]+|\d+", spaced.casefold())
    chinese = re.findall(r"[\u4e00-\u9fff]+", name)
    return frozenset(
        [*latin, *(run[i : i + 2] for run in chinese for i in range(max(1, len(run) - 1)))]
    )


class Names:
    """Names of elements, ready to be compared with many columns."""

    def __init__(self, elements: Iterable[DataElement]) -> None:
        self.by_id: dict[str, str] = {}
        self.by_name: dict[str, list[str]] = {}
        self.by_token: dict[str, list[tuple[str, frozenset[str]]]] = {}
        self.by_unit: dict[str, list[str]] = {}
        for element in elements:
            self.by_id[plain(element.id)] = element.id
            for name in names_of(element):
                self.by_name.setdefault(plain(name), []).append(element.id)
            if len(plain(element.unit)) > 1:
                self.by_unit.setdefault(plain(element.unit), []).append(element.id)
            for name in (element.id, *names_of(element)):
                found = tokens(name)
                for token in found:
                    self.by_token.setdefault(token, []).append((element.id, found))

    def scores(self, prop: Property) -> dict[str, tuple[Decimal, str]]:
        """Element → how well its name fits (0 to 1) and why: id 1; synonym 0.95; words: 0.8 times
        the share of words in common, from a half on, a word that many elements have counting less,
        and 0.6 when two or more words of the element's name all stand in the column's; unit 0.45,
        when a word of it is the unit.
        """
        best: dict[str, tuple[Decimal, str]] = {}

        def offer(element: str, score: Decimal, why: str) -> None:
            if element not in best or best[element][0] < score:
                best[element] = (score, why)

        for name in dict.fromkeys(
            filter(None, (prop.name, prop.heading, prop.title.zh, prop.title.en))
        ):
            said = plain(name)
            if said in self.by_id:
                offer(self.by_id[said], BY_ID, "id")
            for element in self.by_name.get(said, ()):
                offer(element, BY_NAME, "synonym")
            found = tokens(name)
            for token in found:
                for element in self.by_unit.get(token, ()):
                    offer(element, BY_UNIT, "unit")
                for element, other in self.by_token.get(token, ()):
                    if len(other) > 1 and other <= found:
                        offer(element, BY_PART, "words")
                    common = self._weight(found & other) / self._weight(found | other)
                    if common >= WORDS_MIN:
                        score = (common * BY_WORDS).quantize(PLACES, ROUND_HALF_UP)
                        offer(element, score, "words")
        return best

    def _weight(self, words: Iterable[str]) -> Decimal:
        return sum((self._weights.get(word, ONE) for word in words), Decimal())

    @cached_property
    def _weights(self) -> dict[str, Decimal]:
        """A word of n elements weighs 1 / (1 + log2 n)."""
        holders = {
            word: len({element for element, _ in places}) for word, places in self.by_token.items()
        }
        return {
            word: (ONE / Decimal(repr(1 + math.log2(count)))).quantize(PLACES, ROUND_HALF_UP)
            for word, count in holders.items()
        }
