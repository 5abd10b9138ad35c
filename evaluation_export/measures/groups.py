"""By whom every measure is split, and how many days each person was watched."""

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
# Age bands of the published evaluations [BEANEY-2022], docs/reference/disclosure.md#groups.
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
