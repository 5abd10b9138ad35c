"""What each column of a package means, for people and for programs."""

import json
from typing import Any

from evaluation_export.disclosure.policies import Policy
from evaluation_export.package.release import Release
from evaluation_export.tables.schema import TABLES


def format_dictionary() -> str:
    """Return the data dictionary as Markdown: every table, every column, its unit and meaning."""
    lines = ["# Dictionary", "", "An empty cell never means zero.", ""]
    for table in TABLES:
        lines += [f"## data/{table.name}.csv: {table.title}", ""]
        lines += ["| column | type | meaning | empty |", "|---|---|---|---|"]
        for column in table.published():
            lines.append(f"| {column.name} | {column.type} | {column.meaning} | {column.empty} |")
        lines.append("")
    return "\n".join(lines)


def describe_package(policy: Policy, release: Release) -> str:
    """Return the package in the words of Frictionless Data: one resource a table."""
    resources = [
        {
            "name": table.name.replace("_", "-"),
            "title": table.title,
            "path": f"data/{table.name}.csv",
            "format": "csv",
            "encoding": "utf-8",
            "schema": {
                "fields": [
                    {"name": c.name, "type": c.type, "description": c.meaning}
                    for c in table.published()
                ],
                "missingValues": [""],
            },
        }
        for table in TABLES
    ]
    whole: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "homeward-extract",
        "title": "Homeward: alerts and completeness per week" + (" (TRIAL)" * release.trial),
        "homeward:disclosure": policy.name,
        "resources": resources,
    }
    return json.dumps(whole, indent=2, sort_keys=True) + "\n"
