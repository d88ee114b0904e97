from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.reconcile import reconcile
from proxyd.camera.spec import CameraSpec, NvrAccess


def spec(id_: int, address: str = "127.0.0.1", name: str = "cam") -> CameraSpec:
    return CameraSpec(
        id=id_, name=name, uuid="u", serial="s", nvr_id=1, channel=id_, address=address, prefix_length=8,
        mac="a2:00:00:00:00:01", interface="lo", http_port=8080, rtsp_port=8554, username="onvif", password="pw",
        streams=(), snapshot_upstream=None, nvr=NvrAccess("192.0.2.1", 80, "admin", "secret"),
    )  # fmt: skip


def test_new_gone_moved_and_renamed_cameras() -> None:
    running = {1: spec(1), 2: spec(2), 3: spec(3), 4: spec(4)}
    desired = {1: spec(1), 2: spec(2, address="127.0.0.9"), 3: spec(3, name="other"), 5: spec(5)}
    actions = reconcile(desired, running)
    assert actions.stop == (2, 4)
    assert actions.update == (desired[3],)
    assert actions.start == (desired[2], desired[5])


def test_a_changed_password_closes_no_connection() -> None:
    new = replace(spec(1), nvr=NvrAccess("192.0.2.1", 80, "admin", "other"))
    assert reconcile({1: new}, {1: spec(1)}).update == (new,)


def test_no_secret_in_what_people_may_print() -> None:
    assert "secret" not in repr(reconcile({1: spec(1)}, {}))
    assert "'pw'" not in repr(spec(1))


_cameras = st.dictionaries(
    st.integers(1, 8), st.tuples(st.sampled_from(["127.0.0.1", "127.0.0.2"]), st.sampled_from(["a", "b"]))
)


@given(_cameras, _cameras)
def test_applying_the_actions_gives_what_is_desired_and_then_nothing_is_left_to_do(
    want: dict[int, tuple[str, str]], have: dict[int, tuple[str, str]]
) -> None:
    desired = {id_: spec(id_, *values) for id_, values in want.items()}
    running = {id_: spec(id_, *values) for id_, values in have.items()}
    actions = reconcile(desired, running)
    for id_ in actions.stop:
        del running[id_]
    for changed in actions.update:
        assert changed.id in running
        running[changed.id] = changed
    for started in actions.start:
        assert started.id not in running
        running[started.id] = started
    assert running == desired
    assert not reconcile(desired, running)
