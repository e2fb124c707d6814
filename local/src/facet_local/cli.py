"""The command line of the local platform: `python -m facet_local run`, `stop`, `status`, `logs`, …"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from facet_local import welcome
from facet_local.catalogue import DATABASE_OWNERS, package_of
from facet_local.control import NotRunning, Refused, order
from facet_local.daemon import StartFailed
from facet_local.databases import MigrationFailed
from facet_local.environment import child_environment
from facet_local.home import Home, default_home
from facet_local.platform import Platform
from facet_local.records import ProcessRecord, end_recorded
from facet_local.report import Report
from facet_local.running import RunningPlatform
from facet_local.seeding import SeedingFailed
from facet_local.signins import NoSignIn
from facet_local.waiting import wait_until

_PLATFORM = "platform"
_SERVERS = ("nats", "redis", "postgres")
_STOP_SECONDS = 90.0
_START_FAILURES = (StartFailed, MigrationFailed, SeedingFailed, NoSignIn, LookupError, OSError)


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out one command and answers the exit code."""
    arguments = _parser().parse_args(argv)
    home = Home(arguments.home) if arguments.home else default_home()
    try:
        return arguments.command(home, arguments)
    except (NotRunning, Refused, LookupError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(home: Home, arguments: argparse.Namespace) -> int:
    home.path.mkdir(parents=True, exist_ok=True)
    if arguments.detach:
        return _run_detached(home, arguments)
    with (home.path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"A platform runs in {home.path} already: see `make status`.")
            return 0
        return _run_here(home, demo=not arguments.no_demo)


def _run_here(home: Home, *, demo: bool) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    record = ProcessRecord.of(os.getpid())
    if record:
        record.write(home.record(_PLATFORM))
    report = Report()
    platform = Platform(home, report, demo=demo)
    code = 0
    try:
        platform.start()
        report.say(welcome.text(home))
        platform.serve()
    except KeyboardInterrupt:
        pass
    except _START_FAILURES as error:
        report.say(f"\nThe platform does not start. {error}\nLogs are in {home.log('').parent}.")
        code = 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        report.say("Stopping …")
        platform.stop()
        home.record(_PLATFORM).unlink(missing_ok=True)
    return code


def _run_detached(home: Home, arguments: argparse.Namespace) -> int:
    """Starts the platform in the background, shows its progress, and returns when it is ready."""
    log = home.log(_PLATFORM)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "facet_local", "--home", str(home.path), "run"]
    command += ["--no-demo"] if arguments.no_demo else []
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with log.open(encoding="utf-8") as progress:

        def is_settled() -> bool:
            sys.stdout.write(progress.read())
            sys.stdout.flush()
            return child.poll() is not None or (home.run_file.exists() and _is_answered(home))

        wait_until(is_settled, seconds=arguments.seconds, what="the platform")
        sys.stdout.write(progress.read())
    return child.poll() or 0


def _is_answered(home: Home) -> bool:
    try:
        order(home, do="status")
    except (NotRunning, Refused):
        return False
    return True


def _stop(home: Home, arguments: argparse.Namespace) -> int:
    del arguments
    record = ProcessRecord.read(home.record(_PLATFORM))
    process = record.process() if record else None
    if process is not None:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECONDS)
        print("Stopped.")
        return 0
    for name in (*DATABASE_OWNERS, *_SERVERS):  # what a killed platform left behind
        end_recorded(home.record(name))
    home.run_file.unlink(missing_ok=True)
    print("No platform runs here.")
    return 0


def _restart(home: Home, arguments: argparse.Namespace) -> int:
    _stop(home, arguments)
    return _run(home, arguments)


def _status(home: Home, arguments: argparse.Namespace) -> int:
    del arguments
    answer = order(home, do="status")
    programs = answer["programs"]
    print(f"gateway  {answer['gateway']}\n")
    print(f"{'program':<14} {'state':<11} {'pid':>8} {'restarts':>9}")
    for name, state in programs.items() if isinstance(programs, dict) else ():
        if isinstance(state, dict):
            print(f"{name:<14} {state['state']:<11} {state['pid'] or '-':>8} {state['restarts']:>9}")
    return 0


def _logs(home: Home, arguments: argparse.Namespace) -> int:
    known = sorted(path.stem for path in home.log("*").parent.glob("*.log"))
    if arguments.name not in known:
        print(f"There is a log of: {', '.join(known) or 'nothing yet'}. Use `make logs S=sales`.")
        return 1
    follow = ["-F"] if arguments.follow else []
    return subprocess.run(
        ["tail", "-n", str(arguments.lines), *follow, str(home.log(arguments.name))], check=False
    ).returncode


def _clean(home: Home, arguments: argparse.Namespace) -> int:
    _stop(home, arguments)
    home.remove()
    print(f"Removed {home.path}.")
    return 0


def _service(home: Home, arguments: argparse.Namespace) -> int:
    order(home, do=arguments.action, name=arguments.name)
    print(f"{arguments.name}: {arguments.action} done")
    return 0


def _migration(home: Home, arguments: argparse.Namespace) -> int:
    """The new revision is the difference between the models and the database of the running platform."""
    platform = RunningPlatform.read(home)
    command = ["revision", package_of(arguments.name), "-m", arguments.message]
    return subprocess.run(
        [sys.executable, "-m", "facet_kit.migrations", *command],
        env=child_environment(FACET_DATABASE_URL=platform.databases[arguments.name]),
        check=False,
    ).returncode


def _interrupt(number: int, frame: object) -> None:
    """SIGTERM ends the platform as Ctrl-C does."""
    del number, frame
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m facet_local", description="Facet on this machine")
    parser.add_argument("--home", type=Path, help="folder of the platform; FACET_HOME, else .facet")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, does: Callable[[Home, argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=does)
        return command

    for name, does in (("run", _run), ("restart", _restart)):
        command = add(name, does, f"{name} the platform; in the foreground until Ctrl-C")
        command.add_argument("--detach", action="store_true", help="return when it is ready")
        command.add_argument(
            "--no-demo", action="store_true", help="without the demo enterprise and sign-ins"
        )
        command.add_argument("--seconds", type=float, default=900, help="how long --detach waits")
    add("stop", _stop, "stop the platform, and what a crashed one left behind")
    add("status", _status, "show every program with its state and process id")
    logs = add("logs", _logs, "show the log of a program")
    logs.add_argument("name", nargs="?", default="")
    logs.add_argument("--lines", type=int, default=50)
    logs.add_argument("--follow", action="store_true")
    add("clean", _clean, "stop the platform and remove all its data")
    service = add("service", _service, "stop, start or restart one program of the running platform")
    service.add_argument("action", choices=("stop", "start", "restart"))
    service.add_argument("name", help="customer, sales, …, gateway, postgres, nats or redis")
    migration = add("migration", _migration, "write a migration of a service from its changed models")
    migration.add_argument("name", choices=DATABASE_OWNERS)
    migration.add_argument("message", help="what it does, for example: add rebates to orders")
    return parser
