"""Ports are found, not fixed, and a second start uses the same ones."""

from __future__ import annotations

import socket
from pathlib import Path

from facet_local.ports import HOST, PortBook, accepts, find_free_port, is_free


def test_a_second_start_uses_the_remembered_port(tmp_path: Path) -> None:
    first = PortBook(tmp_path / "ports.json").claim("sales.grpc")
    assert PortBook(tmp_path / "ports.json").claim("sales.grpc") == first


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json")
    port = book.claim("sales.grpc")
    with socket.create_server((HOST, port)):
        assert accepts(port)
        assert not is_free(port)
        replacement = book.claim("sales.grpc")
    assert replacement != port
    assert book.claim("sales.grpc") == replacement


def test_the_preferred_port_is_used_when_it_is_free_and_else_another(tmp_path: Path) -> None:
    preferred = find_free_port()
    assert PortBook(tmp_path / "one.json").claim("gateway.http", preferred=preferred) == preferred
    with socket.create_server((HOST, preferred)):
        assert PortBook(tmp_path / "two.json").claim("gateway.http", preferred=preferred) != preferred


def test_two_names_never_share_a_port(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json")
    names = [f"service-{number}" for number in range(50)]
    assert len({book.claim(name) for name in names}) == len(names)


def test_a_preferred_port_that_another_name_owns_is_left_to_it(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json")
    port = book.claim("sales.grpc")
    assert book.claim("gateway.http", preferred=port) != port
