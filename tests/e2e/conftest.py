"""Fixtures: the program under test, and servers on temporary projects."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator

import pytest
from harness import Identity, Server, find_identity

ROOT = Path(__file__).resolve().parent.parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--tidemill", default=str(ROOT / "build" / "check" / "tidemill"),
                     help="the program to be tested")
    parser.addoption("--kills", type=int, default=200,
                     help="how often test_kills.py kills the server, its spawner or both")


def pytest_report_header(config: pytest.Config) -> str:
    return f"servers run {find_identity(Path(config.getoption('tidemill')))[1]}"


@pytest.fixture(scope="session")
def tidemill(pytestconfig: pytest.Config) -> Path:
    path = Path(pytestconfig.getoption("tidemill")).resolve()
    if not path.exists():
        pytest.exit(f"there is no {path}; run ./dev build", returncode=2)
    return path


@pytest.fixture(scope="session")
def identity(tidemill: Path) -> Identity:
    return find_identity(tidemill)[0]


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--kills"))


@pytest.fixture
def record() -> Callable[[str], None]:
    """A line for whoever runs with -s."""
    return print


@pytest.fixture
def server(tidemill: Path, identity: Identity) -> Iterator[Server]:
    """A server that is not started yet: write flows, then start()."""
    one = Server(tidemill, identity)
    yield one
    one.close()


@pytest.fixture
def gate(server: Server) -> Callable[[], None]:
    """A flow `gate` whose task writes a line to `begun` and ends when this is called."""
    server.flow("gate", """on: call
tasks:
  work:
    shell: |
      echo "attempt $TIDEMILL_ATTEMPT" | tee -a begun
      until test -e go; do sleep 0.02; done
      echo '{"n": 7}' > "$TIDEMILL_OUTPUT"
""")
    return lambda: server.write("go", "") and None
