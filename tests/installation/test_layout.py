"""The table of what is to exist."""

from pathlib import Path, PurePosixPath

import pytest

from mailwarden.installation.layout import Service, Wishes, layout
from mailwarden.installation.packaged import packaged_files
from mailwarden.installation.pieces import Account, File, Folder, Membership
from support.security_table import Promise, promises

PACKAGED = {
    "daemontools/log/run": b"log\n",
    "daemontools/run": b"exec /usr/local/bin/mailwarden serve\n",
    "logrotate/mailwarden": b"rotate\n",
    "mailwarden.toml": b"sample\n",
    "systemd/mailwarden.service": b"ExecStart=/usr/local/bin/mailwarden serve\n",
}


def wishes(service: Service) -> Wishes:
    return Wishes(service, Path("/opt/mw/bin/mailwarden"), b"settings\n")


def test_directories_and_settings_are_those_of_the_table_in_security_md() -> None:
    pieces = layout(packaged_files(), wishes(Service.NONE))
    made = [
        Promise(str(piece.path), rights.owner, rights.group, f"{rights.mode:04o}")
        for piece in pieces
        if isinstance(piece, Folder | File) and not str(piece.path).startswith("/etc/logrotate.d")
        for rights in [piece.rights]
    ]
    assert sorted(map(str, made)) == sorted(map(str, promises("setup")))


def test_whatever_is_made_below_a_directory_of_the_daemons_is_one_level_deep() -> None:
    pieces = layout(packaged_files(), wishes(Service.NONE))
    daemons = [
        piece.path
        for piece in pieces
        if isinstance(piece, Folder) and piece.rights.owner == "mailwarden"
    ]
    below = [path for path in daemons if any(other in path.parents for other in daemons)]
    assert below
    assert not any(other in path.parents for path in below for other in below)


@pytest.mark.parametrize("service", [Service.SYSTEMD, Service.DAEMONTOOLS])
def test_what_root_starts_only_root_can_write(service: Service) -> None:
    pieces = layout(PACKAGED, wishes(service))
    started = [
        piece
        for piece in pieces
        if isinstance(piece, Folder | File)
        and str(piece.path).startswith(("/etc/systemd", "/etc/mailwarden/service"))
    ]
    assert started
    assert all(piece.rights.owner == "root" and not piece.rights.mode & 0o022 for piece in started)


def test_units_name_the_program_where_it_is() -> None:
    (unit,) = (
        piece
        for piece in layout(PACKAGED, wishes(Service.SYSTEMD))
        if isinstance(piece, File) and piece.path.suffix == ".service"
    )
    assert unit.path == Path("/etc/systemd/system/mailwarden.service")
    assert unit.content == b"ExecStart=/opt/mw/bin/mailwarden serve\n"


def test_the_daemontools_service_has_a_folder_with_a_run_script_and_its_logger_below() -> None:
    pieces = layout(PACKAGED, wishes(Service.DAEMONTOOLS))
    places = [
        str(PurePosixPath(piece.path).relative_to("/etc/mailwarden/service"))
        for piece in pieces
        if isinstance(piece, Folder | File) and "/service" in str(piece.path)
    ]
    assert sorted(places) == [
        ".",
        "mailwarden",
        "mailwarden/log",
        "mailwarden/log/run",
        "mailwarden/run",
    ]
    assert places.index("mailwarden") < places.index("mailwarden/log")
    assert all(
        piece.rights.mode == 0o755
        for piece in pieces
        if isinstance(piece, File) and piece.path.name == "run"
    )


def test_accounts_come_before_what_they_own() -> None:
    groups = Wishes(Service.NONE, Path("/m"), b"", groups=("clamav",))
    account, membership, *_ = layout(PACKAGED, groups)
    assert isinstance(account, Account)
    assert membership == Membership("mailwarden", "clamav")


def test_without_a_service_manager_only_its_files_are_left_out() -> None:
    places = {str(piece) for piece in layout(PACKAGED, wishes(Service.NONE))}
    assert "/etc/logrotate.d/mailwarden" in places
    assert places < {str(piece) for piece in layout(PACKAGED, wishes(Service.SYSTEMD))}
