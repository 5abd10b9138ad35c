"""Whose rules for small numbers are followed, as data: thresholds and rounding by authority."""

import math
from dataclasses import dataclass
from typing import Final, Literal

PEOPLE: Final = "people"  # how many people stand behind a row; never published


@dataclass(frozen=True, slots=True)
class Policy:
    """A disclosure rule. Counts from 1 to below `withhold_below` are withheld; 0 stays 0.

    `rounding` is how other counts are published; `totals` says how totals relate to their parts.
    """

    name: str
    withhold_below: int
    rounding: Literal["nearest_5", "midpoint_6"]
    totals: str
    source: str

    def publish(self, count: int) -> int | None:
        """Return a count as it may be published; None when it is withheld.

        Raises:
            ValueError: a count is never negative.
        """
        if count < 0:
            raise ValueError("a count is never negative")
        if 0 < count < self.withhold_below:
            return None
        if self.rounding == "midpoint_6":
            return math.ceil(count / 6) * 6 - 3 * (count != 0)
        return 5 * round(count / 5)

    def interval(self, published: int) -> tuple[int, int]:
        """Return the lowest and highest count that is published as this."""
        if published == 0:
            # 1 and 2 would round to 0, but they are withheld or published as a midpoint.
            return 0, 0
        around = (2, 3) if self.rounding == "midpoint_6" else (2, 2)
        return max(published - around[0], self.withhold_below), published + around[1]


NHSD_SECONDARY_CARE: Final = Policy(
    "nhsd_secondary_care",
    withhold_below=8,
    rounding="nearest_5",
    totals="rounded independently of their parts, so parts need not add up",
    source="NHS Digital secondary care rule since 2018-09: 1 to 7 withheld, others to nearest 5",
)

OPENSAFELY_TABLE: Final = Policy(
    "opensafely_table",
    withhold_below=8,
    rounding="nearest_5",
    totals="not published beside their parts",
    source="OpenSAFELY statistical disclosure control, 2026-08: redact 1 to 7, then nearest 5",
)

MIDPOINT6: Final = Policy(
    "midpoint6",
    withhold_below=1,
    rounding="midpoint_6",
    totals="each rounded; the mean error is -0.5 for each count that is not zero",
    source="OpenSAFELY midpoint 6: ceil(x / 6) * 6 - 3, zero stays zero",
)

POLICIES: Final = {p.name: p for p in (NHSD_SECONDARY_CARE, OPENSAFELY_TABLE, MIDPOINT6)}

FEWEST_PEOPLE: Final = 8  # no statistic on 7 people or fewer, whatever the policy (OpenSAFELY)
