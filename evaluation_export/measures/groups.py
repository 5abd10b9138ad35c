"""Frame to frame, one function per measure. The docstring is the codebook.

Weeks are counted from the start of the service (the first admission): no date leaves.
"""

from typing import Final

import pandas as pd

WEEK: Final = pd.Timedelta(days=7)
DAY: Final = pd.Timedelta(days=1)
SPLITS: Final = (
    "age_band",
    "sex",
    "ethnicity",
    "deprivation_quintile",
    "language",
    "channel",
    "mode",
)
MISSING: Final = "missing"
# CLINICAL.md 4.6, EVALUATION.md 3.1: the age bands of the episode table.
AGE_EDGES: Final = (0, 18, 50, 65, 80, 200)
AGE_BANDS: Final = ("under 18", "18-49", "50-64", "65-79", "80 and over")


def with_groups(episodes: pd.DataFrame) -> pd.DataFrame:
    """Add what results are split by; missing is a group of its own.

    Returns:
        The episodes with `age_band` (years at admission by year of birth), `sex`, `ethnicity`,
        `deprivation_quintile` (1 most deprived to 5), `language`, `channel` (how readings were
        planned to come), `mode` (who acts first): all str.
    """
    age = episodes["admitted_at"].dt.year - episodes["birth_year"]
    decile = pd.to_numeric(episodes["deprivation_decile"])
    quintile = ((decile + 1) // 2).astype("Int64").astype("string")
    out = episodes.assign(
        age_band=pd.cut(age, list(AGE_EDGES), right=False, labels=list(AGE_BANDS)).astype("string"),
        deprivation_quintile=quintile,
    )
    for name in SPLITS:
        out[name] = out[name].astype("string").fillna(MISSING)
    return out


def patient_days(episodes: pd.DataFrame, start: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return how long each stay lasted in each week.

    Returns:
        Columns `episode_id`, `week` (int, from 0), `days` (float, days of stay in that week).
    """
    ended = episodes["ended_at"].fillna(until)
    ended = ended.where(ended < until, until)
    weeks = pd.DataFrame({"week": range(int((until - start) // WEEK) + 1)})
    stays = pd.DataFrame(
        {"episode_id": episodes["episode_id"], "begins": episodes["admitted_at"], "ends": ended}
    ).merge(weeks, how="cross")
    week_begins = start + stays["week"] * WEEK
    begins = stays["begins"].where(stays["begins"] > week_begins, week_begins)
    ends = stays["ends"].where(stays["ends"] < week_begins + WEEK, week_begins + WEEK)
    stays["days"] = (ends - begins).dt.total_seconds() / DAY.total_seconds()
    within = stays[stays["days"] > 0]
    return within[["episode_id", "week", "days"]].reset_index(drop=True)


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
