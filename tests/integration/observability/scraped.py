"""What a server tells Prometheus, read as Prometheus reads it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

#: Servers need a moment until they listen, and count at intervals of their own.
LIMIT_SECONDS = 60


@dataclass(frozen=True)
class Scrape:
    """One look at a server: each series by its name, with its labels and value."""

    series: Mapping[str, list[tuple[Mapping[str, str], float]]]

    def labels_of(self, name: str) -> set[str]:
        """Return the labels that every series of this name has."""
        each = [set(labels) for labels, _ in self.series.get(name, [])]
        assert each, f"{name} is not told"
        return set[str].intersection(*each)

    def value(self, name: str, **labels: str) -> float | None:
        """Return the one value that is told with these labels; None: there is none."""
        found = [
            value
            for has, value in self.series.get(name, [])
            if labels.items() <= has.items()
        ]
        assert len(found) <= 1, found
        return found[0] if found else None


async def scrape(url: str) -> Scrape:
    """Look once; raises aiohttp.ClientError while nobody answers."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        answer.raise_for_status()
        text = await answer.text()
    series = defaultdict[str, list[tuple[Mapping[str, str], float]]](list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # The parser gives every counter the suffix that newer ones have.
            is_told = f"\n{sample.name}" in text
            name = sample.name if is_told else sample.name.removesuffix("_total")
            series[name].append((sample.labels, sample.value))
    return Scrape(series)
