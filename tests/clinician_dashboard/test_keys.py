"""Idempotency keys: the same person, the same sight, the same words are one act."""

import httpx2 as httpx

from clinician_dashboard.ward_api.ward_api import WardApi
from tests.clinician_dashboard.test_view_models import an_alert
from ward_service.contract.http.alerts import ContactNote


def test_what_is_sent_again_is_one_act_and_other_words_are_another() -> None:
    keys: list[str] = []
    alert = an_alert()

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        return httpx.Response(200, content=alert.model_dump_json())

    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://ward")
    api = WardApi("token", client)
    missed, spoke = ContactNote(reached=False), ContactNote(reached=True)
    api.contact(alert.id, "sight", "nurse-3", missed)
    api.contact(alert.id, "sight", "nurse-3", missed)
    api.contact(alert.id, "sight", "nurse-3", spoke)
    api.contact(alert.id, "sight", "nurse-4", missed)
    api.acknowledge(alert.id, 3, "nurse-3")
    api.take_over(alert.id, 3, "nurse-3")
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5
    assert max(len(key) for key in keys) <= 200
    client.close()
