"""What people at the ward are to do besides the alerts: check-in calls, deciding on an end."""

import streamlit as st

from clinician_dashboard.forms import carried_out, tell
from clinician_dashboard.session import bar, guarded, show_patient, ward
from clinician_dashboard.view_models.stay import task_name, task_rows
from ward_service.contract.http.board import BoardView
from ward_service.contract.http.stays import TaskDone, TaskView

EVERY_S = 10
STATUS_EVERY_S = 5


def choice() -> str:
    """Return the name of the list to choose from; a new one after each task that is done."""
    return f"task-{st.session_state.get('tasks_done', 0)}"


def working() -> bool:
    """Whether a task is chosen: then this page stands still."""
    return st.session_state.get(choice()) is not None


@st.fragment(run_every=STATUS_EVERY_S)
@guarded
def status() -> None:
    """Draw the bar; it asks by itself, whatever the rest of the page does."""
    bar(ward().board_version().health)


@guarded
def to_do(still: bool) -> None:
    """Draw what is to do, longest due first, and a way to say that one thing is done."""
    if working() is not still:
        st.rerun(scope="app")
    tell()
    board, tasks = ward().board(), ward().tasks()
    st.markdown(f"# To do ({len(tasks)})")
    if not tasks:
        st.info("Nothing is to do besides the alerts.")
        return
    st.dataframe(task_rows(tasks, board.patients, board.as_of), hide_index=True, width="stretch")
    # Chosen by patient, kind and number, never by its row: rows move.
    named = {f"{task.episode_id} {task.kind} {task.number}": task for task in tasks}
    chosen = st.selectbox(
        "Which of these do you work on?",
        list(named),
        index=None,
        format_func=lambda key: task_name(named[key], board.patients),
        key=choice(),
    )
    if chosen is not None:
        done_form(named[chosen], board)


def done_form(task: TaskView, board: BoardView) -> None:
    """Ask what came of a task."""
    if st.button("Open this patient's page"):
        show_patient(str(task.episode_id))
    with st.form(f"task-{task.episode_id}-{task.kind}-{task.number}"):
        st.text(task_name(task, board.patients))
        st.text("While you write, this page stands still.")
        note = st.text_area("What came of it", max_chars=2_000)
        if st.form_submit_button("This is done"):
            given = TaskDone(note=note)
            if carried_out(
                lambda api, who: api.finish_task(task, who, given), "Noted: it is done."
            ):
                st.session_state.tasks_done = st.session_state.get("tasks_done", 0) + 1
                st.rerun(scope="app")


status()
standing_still = working()
st.fragment(to_do, run_every=None if standing_still else EVERY_S)(standing_still)
