"""How many alerts there were, and how soon they were acknowledged."""

import pandas as pd

from evaluation_export.measures.groups import SPLITS, WEEK, patient_days, with_groups


def alerts_per_week(
    alerts: pd.DataFrame, episodes: pd.DataFrame, until: pd.Timestamp
) -> pd.DataFrame:
    """Count alerts by week of opening, class and level.

    Returns:
        Columns `week` (int), `alert_class`, `level` (str), `alerts` (int), `acknowledged` (int,
        those that a person took or resolved), `withdrawn` (int, a repeat was in range), `late`,
        `review` (int), `patient_days` (int, whole days of stay in that week: the denominator),
        `people` (int, the fewest that stand behind the row: who had such an alert, or, where
        nobody had, who stayed in that week). A class and level that never occurred has no row; a
        week without any has a row with zero.
    """
    start = episodes["admitted_at"].min()
    stayed = patient_days(episodes, start, until).groupby("week")
    days, staying = stayed["days"].sum(), stayed["episode_id"].nunique()
    marked = alerts.assign(
        week=((alerts["opened_at"] - start) // WEEK).astype(int),
        acknowledged=alerts["acknowledged_at"].notna(),
        withdrawn=alerts["state"] == "withdrawn",
    )
    keys = ["week", "alert_class", "level"]
    found = marked.groupby(keys).agg(
        alerts=("alert_id", "size"),
        acknowledged=("acknowledged", "sum"),
        withdrawn=("withdrawn", "sum"),
        late=("late", "sum"),
        review=("review", "sum"),
        people=("episode_id", "nunique"),
    )
    kinds = sorted({(c, level) for _, c, level in found.index})
    every = pd.MultiIndex.from_tuples(
        [(week, *kind) for week in range(int(days.index.max()) + 1) for kind in kinds], names=keys
    )
    whole = found.reindex(every, fill_value=0).reset_index()
    there = whole["week"].map(staying).fillna(0).astype(int)
    return whole.assign(
        patient_days=whole["week"].map(days).fillna(0).round().astype(int),
        people=whole["people"].where(whole["people"] > 0, there).clip(upper=there),
    )


def alerts_by_group(
    alerts: pd.DataFrame, episodes: pd.DataFrame, until: pd.Timestamp
) -> pd.DataFrame:
    """Count alerts and days of stay over the whole time, split by who people are.

    Returns:
        Columns `split`, `group` (str), `alerts` (int), `patient_days` (int, whole days), `people`
        (int, the fewest that stand behind the row: who had an alert, or the group if nobody had).
    """
    grouped = with_groups(episodes)
    start = episodes["admitted_at"].min()
    days = patient_days(episodes, start, until).groupby("episode_id")["days"].sum()
    had = grouped["episode_id"].map(alerts.groupby("episode_id").size()).fillna(0).astype(int)
    own = grouped.assign(
        days=grouped["episode_id"].map(days).fillna(0.0), alerts=had, alerted=(had > 0).astype(int)
    )
    parts = [
        own.groupby(split)
        .agg(
            alerts=("alerts", "sum"),
            days=("days", "sum"),
            group_size=("episode_id", "nunique"),
            alerted=("alerted", "sum"),
        )
        .rename_axis("group")
        .reset_index()
        .assign(split=split)
        for split in SPLITS
    ]
    whole = pd.concat(parts, ignore_index=True)
    whole["patient_days"] = whole["days"].round().astype(int)
    whole["people"] = whole["alerted"].where(whole["alerted"] > 0, whole["group_size"])
    return whole[["split", "group", "alerts", "patient_days", "people"]]
