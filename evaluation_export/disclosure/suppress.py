"""The last step before anything leaves: small numbers are withheld, the rest is rounded.

Authorities disagree, so each rule is a policy with its name, which is printed on what it made.
Source: NHS Digital secondary care [NHSD-SDC-2018]; OpenSAFELY tables [OPENSAFELY-SDC]; OpenSAFELY
midpoint 6 [OPENSAFELY-MIDPOINT6]. docs/reference/disclosure.md#policies.
"""

from collections.abc import Sequence

import pandas as pd

from evaluation_export.disclosure.policies import FEWEST_PEOPLE, PEOPLE, Policy


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
