"""The command line: `contactory`, or `python -m contactory`."""

import click

from contactory.cli.accounts import account, workspace
from contactory.cli.backup import backup
from contactory.cli.demo import demo
from contactory.cli.doctor import doctor
from contactory.cli.fields import field
from contactory.cli.jobs import jobs
from contactory.cli.keys import key
from contactory.cli.restore import restore
from contactory.cli.routes import routes
from contactory.cli.schema import migrate, upgrade_data, version
from contactory.cli.serving import serve
from contactory.cli.users import user


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Contactory: a self-hosted contact store with an HTTP API, on PostgreSQL.

    Settings are environment variables CONTACTORY_*, or names in contactory.toml. All commands work with and
    without a running server.
    """


_COMMANDS = (
    *(serve, account, workspace, user, key, field, jobs),
    *(demo, doctor, backup, restore, migrate, upgrade_data, routes, version),
)
for _command in _COMMANDS:
    main.add_command(_command)

if __name__ == "__main__":
    main(prog_name="contactory")
