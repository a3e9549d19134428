"""The starter catalogue on a demonstration node: its departments, who works in them, and their services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User

from kouan.apps.services.catalogue import publishing
from kouan.apps.services.definition.reading import definition_of
from kouan.apps.services.models import ServiceVersion
from kouan.apps.services.starter import starter
from kouan.apps.staff import services as staff
from kouan.apps.staff.models import Department

if TYPE_CHECKING:
    from kouan.web.roles import Role

POSTS: Final[tuple[Role, ...]] = ("publisher", "caseworker", "evidence")
"""The roles that are held in each department, by the made-up account of the role's name."""
_BY: Final = "demonstration"


def publish(side: str) -> None:
    """Do it; what is there stays as it is, also if an officer has changed or withdrawn it."""
    known = set(ServiceVersion.objects.filter(side=side).values_list("service", flat=True))
    officers = {user.username: user for user in User.objects.filter(username__in=POSTS)}
    for name, source in starter(side).items():
        if name in known:
            continue
        definition = definition_of(source, version=1)
        code = definition.department.code
        if not Department.objects.filter(code=code).exists():
            department = staff.add_department(code=code, name=definition.department.name.text)
            for role in POSTS:
                if role in officers:
                    staff.grant_post(user=officers[role], department=department, role=role, by=_BY)
        publishing.publish_source(source, by=_BY, announce=False)
