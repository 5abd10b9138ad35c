"""What people at the ward are to do besides the alerts: check-in calls, and deciding on an end."""

from uuid import UUID

from fastapi import APIRouter, status

from ward_service.api.deps import ActorDep, SignedIn, StoreDep
from ward_service.contract.http.stays import TaskDone, TaskView
from ward_service.contract.vocabulary import TaskKind
from ward_service.stays.acts import finish_task

router = APIRouter(prefix="/tasks", tags=["tasks"], dependencies=[SignedIn])


@router.get("")
def list_tasks(store: StoreDep) -> list[TaskView]:
    """Return what is to do, longest due first."""
    return [
        TaskView(
            episode_id=task.episode_id,
            kind=task.kind,
            number=task.number,
            due_at=task.due_at,
            words=task.words,
        )
        for task in store.tasks.open()
    ]


@router.post("/{episode_id}/{kind}/{number}/done", status_code=status.HTTP_204_NO_CONTENT)
def done(episode_id: UUID, kind: TaskKind, number: int, given: TaskDone, actor: ActorDep) -> None:
    """Note that a task is done. 404 if there is none, 409 if somebody has done it."""
    finish_task(actor.ward, (episode_id, kind, number), actor.by, given.note, actor.now)
