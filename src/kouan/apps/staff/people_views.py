"""The operator's pages: departments, officers, and their posts."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kouan.apps.staff import labels, queries, services, sessions
from kouan.apps.staff.errors import StaffError
from kouan.apps.staff.forms import DepartmentForm, PostForm
from kouan.apps.staff.models import Department
from kouan.core.text import Localised
from kouan.web.access import ROLES, require_role


@never_cache
@require_http_methods(["GET", "POST"])
@require_role("operator")
@sessions.require_fresh
def people(request: HttpRequest) -> HttpResponse:
    """List departments and officers, and add a department (POST)."""
    form, status = DepartmentForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given = form.cleaned_data
            name = Localised(given["name_en"], given["name_zh_hant"], given["name_zh_hans"])
            try:
                services.add_department(code=given["code"], name=name)
            except StaffError as error:
                form.refuse(error, "code")
            else:
                messages.success(request, _("The department is added."))
                return HttpResponseRedirect(request.path)
    context = {
        "form": form,
        "departments": queries.departments(),
        "officers": queries.officers(),
        "changes": queries.changes(),
        **_common(request),
    }
    return render(request, "staff/people.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@require_role("operator")
@sessions.require_fresh
def officer(request: HttpRequest, number: int) -> HttpResponse:
    """Show an officer's posts and their history; grant one, or withdraw one (POST)."""
    row = queries.officer(number)
    form, status = PostForm(None, departments=Department.objects.all()), 200
    if request.method == "POST":
        user = get_object_or_404(User, pk=number)
        by = cast("User", request.user)
        form, status = PostForm(request.POST, departments=Department.objects.all()), 422
        if form.is_valid():
            department = queries.department(form.cleaned_data["department"])
            role = next(each for each in ROLES if each == form.cleaned_data["role"])
            if request.POST.get("withdraw"):
                services.withdraw_post(user=user, department=department, role=role, by=by)
                messages.success(request, _("The post is withdrawn."))
            else:
                services.grant_post(user=user, department=department, role=role, by=by)
                messages.success(request, _("The post is granted."))
            return HttpResponseRedirect(request.path)
    context = {
        "row": row,
        "form": form,
        "own": number == request.user.pk,
        "changes": queries.changes(row.name),
        **_common(request),
    }
    return render(request, "staff/officer.html", context, status=status)


def _common(request: HttpRequest) -> dict[str, object]:
    return {
        "words": labels,
        "fresh": sessions.is_fresh(request),
        "again": sessions.signing_in_again(request.path),
        "notices": messages.get_messages(request),
    }
