"""Make a token for a program that reads or uploads."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.errors import RunsError
from runs.services import tokens


class Command(BaseCommand):
    help = "Make a token for the API and print its secret, once. It can be revoked on the site's page of tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="whose token it is")
        parser.add_argument("--name", default="command line", help="to tell it from others")
        parser.add_argument("--upload", action="store_true", help="may upload runs, not only read")
        parser.add_argument("--machine", action="append", default=[], help="may upload to this machine alone (repeat)")
        parser.add_argument("--days", type=int, default=tokens.DEFAULT_DAYS, help="until it expires (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(
                f"There is no user {options['user']!r}. Make one first, in the admin or by manage.py createsuperuser."
            )
        try:
            _, secret = tokens.make_token(
                user=user,
                name=options["name"],
                can_upload=options["upload"] or bool(options["machine"]),
                machines=options["machine"],
                days=options["days"],
            )
        except RunsError as error:
            raise CommandError(error.message) from None
        self.stdout.write(secret)
