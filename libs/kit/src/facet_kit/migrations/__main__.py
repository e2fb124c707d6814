"""Command line of the migrations: upgrade, revision."""

from __future__ import annotations

import argparse
import os

from facet_kit.migrations import commands


def main() -> None:
    """Parses the arguments and runs one command; the database comes from FACET_DATABASE_URL unless it is given."""
    parser = argparse.ArgumentParser(prog="python -m facet_kit.migrations", description=__doc__)
    parser.add_argument("command", choices=("upgrade", "revision"))
    parser.add_argument("package", help="package of the service, for example facet_sales")
    parser.add_argument("-m", "--message", default="", help="what the new revision does")
    parser.add_argument("--database-url", default=os.environ.get("FACET_DATABASE_URL", ""))
    arguments = parser.parse_args()
    if not arguments.database_url:
        parser.error("say which database: --database-url or FACET_DATABASE_URL")
    if arguments.command == "upgrade":
        commands.upgrade(arguments.package, arguments.database_url)
    else:
        if not arguments.message:
            parser.error("say what the revision does: -m 'add rebates'")
        commands.revision(arguments.package, arguments.database_url, arguments.message)


if __name__ == "__main__":
    main()
