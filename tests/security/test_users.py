"""The users file and what checking a password tells."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from server.security.roles import Role
from server.security.users import Users, UsersError, add_user, list_users, load, remove_user


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "users.yaml"
    add_user(file, "operator", "correct horse", ["Operator"])
    return file


async def test_only_the_right_password_lets_in(path: Path) -> None:
    users = Users(path)
    user = await users.check_password("operator", "correct horse")
    assert user is not None
    assert user.roles == {Role.Operator, Role.AuthenticatedUser}
    assert await users.check_password("operator", "wrong") is None
    assert await users.check_password("operator", "") is None
    assert await users.check_password("nobody", "correct horse") is None
    assert await users.check_password("operator", "x" * 100_000) is None


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(path: Path) -> None:
    users = Users(path)
    await users.check_password("nobody", "x")

    async def quickest(name: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            await users.check_password(name, "wrong")
            times.append(time.perf_counter() - start)
        return min(times)

    known, unknown = await quickest("operator"), await quickest("nobody")
    assert 0.5 < known / unknown < 2.0


async def test_changes_of_the_file_count_at_once(path: Path) -> None:
    users = Users(path)
    add_user(path, "late", "password", ["Observer"])
    assert await users.check_password("late", "password") is not None
    remove_user(path, "late")
    assert await users.check_password("late", "password") is None
    assert users.names() == ["operator"]


def test_the_file_is_private_and_holds_no_password(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert "correct horse" not in path.read_text()
    assert load(path)["operator"].password_hash.startswith("$argon2id$")


def test_users_are_listed_by_name_and_found_by_certificate(path: Path) -> None:
    add_user(path, "laptop", "", ["Engineer"], "AB:CD")
    assert [account.name for account in list_users(path)] == ["laptop", "operator"]
    found = Users(path).by_certificate("abcd")
    assert found is not None
    assert found.name == "laptop"
    assert Users(path).by_certificate("ffff") is None


def test_without_a_file_there_is_nobody(tmp_path: Path) -> None:
    assert Users(tmp_path / "none.yaml").names() == []
    assert Users(None).names() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users: [", "not valid YAML"),
        ("- x", "expected a mapping `users:`"),
        ("users: {a: 1}", "user a: expected a mapping"),
        ("users: {a: {roles: [King]}}", "unknown role 'King'; there are Observer"),
        ("users: {a: {rolls: []}}", "unknown keys rolls"),
        ("users: {a: {roles: Operator}}", "`roles` must be a list"),
        ("users: {a: {roles: [Anonymous]}}", "unknown role 'Anonymous'"),
    ],
)
def test_a_wrong_file_is_told_with_place_and_cure(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "users.yaml"
    file.write_text(text)
    with pytest.raises(UsersError, match=told) as error:
        load(file)
    assert str(file) in str(error.value)


def test_removing_somebody_unknown_names_the_others(path: Path) -> None:
    with pytest.raises(UsersError, match="no user 'x'; there are: operator"):
        remove_user(path, "x")


def test_a_user_needs_a_password_or_a_certificate(path: Path) -> None:
    with pytest.raises(UsersError, match="a password or a certificate"):
        add_user(path, "x", "", ["Observer"])
