"""The last step before anything leaves: small numbers are withheld, the rest is rounded.

Authorities disagree, so each rule is a policy with its name, which is printed on what it made.
Source: EVALUATION.md 1.1 (NHS Digital secondary care; OpenSAFELY tables; OpenSAFELY midpoint-6).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

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


def protect(
    table: pd.DataFrame,
    policy: Policy,
    counts: Sequence[str],
    shares: dict[str, tuple[str, str, float]],
    within: Sequence[str] = (),
) -> pd.DataFrame:
    """Withhold what is too small, round the rest, and work shares out from the rounded figures.

    Args:
        table: a column `people` (int), how many stand behind each row; it is not published.
        policy: the rule.
        counts: columns of counts, the main one first: a row whose main count is withheld is
            withheld whole. Each gets `_lower` and `_upper`, what it may really be.
        shares: name -> (numerator, denominator, factor), made from published figures only.
        within: columns that name a set of rows which add up to a known total. If exactly one row
            of a set is withheld, the smallest other is withheld too, or the first could be got
            back by taking the others from the total.

    Returns:
        The same rows; counts as Int64, withheld ones NA throughout: 0 would be a claim.
    """
    out = table.drop(columns=PEOPLE).copy()
    published = pd.DataFrame(
        {name: [policy.publish(int(n)) for n in table[name]] for name in counts},
        index=table.index,
    ).astype("Int64")
    few = table[PEOPLE].between(1, FEWEST_PEOPLE - 1)
    withheld = few | published[counts[0]].isna()
    if within:
        withheld = _secondary(table, withheld, list(within), counts[0])
    for name in counts:
        values = published[name].mask(withheld)
        edges = [policy.interval(int(v)) if pd.notna(v) else (pd.NA, pd.NA) for v in values]
        out[name] = values
        out[f"{name}_lower"] = pd.array([low for low, _ in edges], dtype="Int64")
        out[f"{name}_upper"] = pd.array([high for _, high in edges], dtype="Int64")
    for name, (numerator, denominator, factor) in shares.items():
        over = out[denominator].astype("Float64")
        out[name] = (factor * out[numerator].astype("Float64") / over.mask(over == 0)).round(3)
    return out


def _secondary(
    table: pd.DataFrame, withheld: "pd.Series[bool]", within: list[str], size: str
) -> "pd.Series[bool]":
    """Withhold a second row wherever a single one could be got back by subtraction."""
    more = withheld.copy()
    for _, rows in table.groupby(within, dropna=False, sort=False):
        hidden = withheld.loc[rows.index]
        open_rows = rows.loc[~hidden]
        if (open_rows[PEOPLE] > 0).any():
            open_rows = open_rows[open_rows[PEOPLE] > 0]  # a zero is worth most when published
        if hidden.sum() == 1 and len(open_rows):
            more = more.mask(more.index == open_rows[size].idxmin(), True)
    return more
