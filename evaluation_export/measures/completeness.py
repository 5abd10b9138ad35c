"""How much of what was agreed was measured."""

import pandas as pd

from evaluation_export.measures.groups import SPLITS, WEEK, with_groups


def completeness_per_week(due: pd.DataFrame, episodes: pd.DataFrame) -> pd.DataFrame:
    """Count readings that the plan expected, and those that a believed reading filled, by week.

    Returns:
        Columns `week` (int), `expected`, `filled` (int, expected readings), `people` (int).
    """
    start = episodes["admitted_at"].min()
    marked = due.assign(week=((due["due_at"] - start) // WEEK).astype(int))
    return (
        marked.groupby("week")
        .agg(
            expected=("due_at", "size"), filled=("filled", "sum"), people=("episode_id", "nunique")
        )
        .reset_index()
    )


def completeness_by_group(due: pd.DataFrame, episodes: pd.DataFrame) -> pd.DataFrame:
    """The same over the whole time, split by who people are; missing is a group.

    Returns:
        Columns `split`, `group` (str), `expected`, `filled` (int), `people` (int).
    """
    joined = due.merge(with_groups(episodes), on="episode_id")
    parts = [
        joined.groupby(split)
        .agg(
            expected=("due_at", "size"), filled=("filled", "sum"), people=("episode_id", "nunique")
        )
        .rename_axis("group")
        .reset_index()
        .assign(split=split)
        for split in SPLITS
    ]
    return pd.concat(parts, ignore_index=True)[["split", "group", "expected", "filled", "people"]]
