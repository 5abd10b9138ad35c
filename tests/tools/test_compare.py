"""What `tools/compare.py` takes out before it compares, and what it must not take out."""

from typing import Any

import pytest
from pydantic import BaseModel, Field

from tools.compare import compare, differences, inlined, statement, without_allowed


class Leaf(BaseModel):
    """Words that nothing depends on."""

    level: str = Field(description="also words")
    title: str = ""


class Tree(BaseModel):
    leaf: Leaf
    trees: "list[Tree]" = []


class Numbered(BaseModel):
    level: int
    title: str = ""


class Needed(BaseModel):
    level: str
    title: str


Renamed = type("Blatt", (Leaf,), {"__doc__": "Other words."})


class RenamedTree(BaseModel):
    leaf: Renamed  # type: ignore[valid-type]
    trees: "list[RenamedTree]" = []


FINDING: dict[str, Any] = {"level": {}, "words": {}, "at": {}, "doubtful": {}}


def test_layout_and_quotes_of_a_statement_say_nothing() -> None:
    one = 'CREATE TABLE "plan" (\n\tslot INTEGER NOT NULL, \n\tPRIMARY KEY (slot)\n)'
    other = "CREATE TABLE plan (slot INTEGER NOT NULL, PRIMARY KEY(slot))"
    assert statement(one) == statement(other)
    assert statement(one) != statement(other.replace("NOT NULL", ""))
    assert statement("DEFAULT 'a  b'") == "DEFAULT 'a b'"


def test_names_and_words_of_a_schema_say_nothing_and_its_fields_do() -> None:
    one, other = (inlined(model.model_json_schema()) for model in (Tree, RenamedTree))
    assert one == other
    assert set(one["properties"]["leaf"]["properties"]) == {"level", "title"}
    assert "$defs" not in str(one)


def test_a_changed_type_or_a_field_that_is_needed_differs() -> None:
    schemas = [inlined(model.model_json_schema()) for model in (Leaf, Numbered, Needed)]
    assert schemas[0] != schemas[1]
    assert schemas[0] != schemas[2]


def test_references_of_an_api_are_put_in_their_place() -> None:
    def api(name: str) -> dict[str, Any]:
        answer = {"schema": {"$ref": f"#/components/schemas/{name}"}}
        operation = {"operationId": f"get_{name}", "responses": {"200": answer}}
        schemas = {name: Leaf.model_json_schema()}
        return {"paths": {"/leaf": {"get": operation}}, "components": {"schemas": schemas}}

    assert inlined(api("Leaf")) == inlined(api("Blatt"))
    assert "level" in str(inlined(api("Leaf"))["paths"])


def test_what_is_allowed_is_taken_out_and_said() -> None:
    schema = {"properties": FINDING | {"rule": {}}, "required": ["level", "rule"]}
    assert without_allowed(schema) == ({"properties": FINDING, "required": ["level"]}, {"rule"})
    assert without_allowed([FINDING | {"rule": "spo2"}]) == ([FINDING], {"rule"})
    paths: dict[str, Any] = {"/alerts/{alert_id}/explanation": {"get": {}}, "/triage": {}}
    assert without_allowed(paths) == ({"/triage": {}}, {"explanation"})
    old = {"properties": {"retake_within_min": {}, "name": {}}, "required": ["retake_within_min"]}
    assert without_allowed(old) == ({"properties": {"name": {}}, "required": []}, {"retake"})


def test_a_rule_elsewhere_is_not_taken_out() -> None:
    part: dict[str, Any]
    for part in ({"rule": 1, "name": 2}, {"properties": {"rule": {}, "name": {}}}):
        assert without_allowed(part) == (part, set())


def test_differences_name_their_place() -> None:
    old, new = {"a": [1, {"b": "x" * 99 + "y"}], "c": 1}, {"a": [1, {"b": "x" * 99 + "z"}], "d": 1}
    found = list(differences(old, new))
    assert [line.split(":")[0] for line in found] == ["/a[1]/b", "/c", "/d"]
    assert "xy' != " in found[0]
    assert list(differences([1], [1, 2])) == [": 1 in OLD, 2 in NEW"]
    assert list(differences(1, 1)) == []


@pytest.mark.parametrize(
    ("old", "new", "same", "line"),
    [
        ({"is": [1]}, {"is": [1]}, True, "plans: same"),
        ({"is": [1]}, {"is": [2]}, False, "plans: DIFFERS: [0]: '1' != '2'"),
        ({"is": [1]}, None, False, "plans: DIFFERS: NEW could not be asked: not asked"),
        (
            {"failed": "LookupError: no", "where": []},
            {"is": [1]},
            False,
            "plans: DIFFERS: OLD could not be asked: LookupError: no []",
        ),
    ],
)
def test_an_item_is_same_or_differs(old: Any, new: Any, same: bool, line: str) -> None:
    assert compare("plans", old, new) == (same, [line])


def test_only_what_is_allowed_counts_as_the_same() -> None:
    new = {"is": [FINDING | {"rule": "spo2"}]}
    assert compare("ward list", {"is": [FINDING]}, new) == (
        True,
        ["ward list: same (allowed: FindingView gains `rule`)"],
    )
    assert compare("plans", {"is": [FINDING]}, new)[0] is False
