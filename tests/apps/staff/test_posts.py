from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from kouan.apps.staff import services
from kouan.apps.staff.errors import BadDepartment, DepartmentExists, OwnPost
from kouan.apps.staff.models import Department, Post, PostChange, SignIn
from kouan.core.text import Localised
from kouan.web.access import departments_of, grant_role, has_role, holders, reach_of

pytestmark = pytest.mark.django_db


def again(user):
    return User.objects.get(pk=user.pk)  # roles are remembered for one request


def test_a_post_gives_a_role_and_the_last_one_takes_it(officer, operator, works, law):
    for department in (works, law, law):
        services.grant_post(user=officer, department=department, role="issuer", by=operator)
    assert has_role(again(officer), "issuer")
    assert [held.code for held in departments_of(again(officer), "issuer")] == ["law", "works"]
    assert departments_of(again(officer), "operator") == ()
    services.withdraw_post(user=officer, department=law, role="issuer", by=operator)
    assert has_role(again(officer), "issuer")
    for _twice in range(2):
        services.withdraw_post(user=officer, department=works, role="issuer", by=operator)
    assert not has_role(again(officer), "issuer")
    assert departments_of(again(officer), "issuer") == ()
    said = [(each.department, each.granted, each.by) for each in PostChange.objects.all()]
    assert said == [("works", False, "operator"), ("law", False, "operator"), ("law", True, "operator"),
                    ("works", True, "operator")]  # fmt: skip


def test_a_role_for_the_whole_side_is_in_no_department(officer, works):
    grant_role(user=officer, role="issuer")
    assert has_role(again(officer), "issuer")
    assert departments_of(again(officer), "issuer") == ()


def test_nobody_changes_their_own_posts(operator, works):
    with pytest.raises(OwnPost):
        services.grant_post(user=operator, department=works, role="issuer", by=operator)
    with pytest.raises(OwnPost):
        services.withdraw_post(user=operator, department=works, role="operator", by=operator)


def test_the_history_stays_when_the_account_goes(officer, works):
    services.grant_post(user=officer, department=works, role="issuer", by="kouan user")
    officer.delete()
    assert PostChange.objects.get().officer == "officer"


@pytest.mark.parametrize("code", ["", "a", "Works", "works department"])
def test_a_code_that_no_department_can_have(db, code):
    with pytest.raises(BadDepartment):
        services.add_department(code=code, name=Localised("a", "b", "c"))


def test_a_department_needs_its_three_names_and_its_own_code(works):
    with pytest.raises(BadDepartment):
        services.add_department(code="law", name=Localised("Law", " ", "c"))
    with pytest.raises(DepartmentExists):
        services.add_department(code="works", name=Localised("a", "b", "c"))


def test_the_operator_grants_and_withdraws_on_a_page(client, sign_in, officer, operator, works):
    sign_in("operator")
    page = f"/staff/{officer.pk}/"
    assert "This officer has no post." in client.get(page).content.decode()
    post = {"department": "works", "role": "registrar"}
    assert client.post(page, post).headers["Location"] == page
    shown = client.get(page).content.decode()
    for words in ("Registrar: Works", "The post is granted.", "Withdraw"):
        assert words in shown
    assert client.post(page, {**post, "withdraw": "1"}).status_code == 302
    assert not Post.objects.exists()
    assert client.post(page, {"department": "none", "role": "superuser"}).status_code == 422
    own = client.post(f"/staff/{operator.pk}/", post)
    assert (own.status_code, "Ask another operator" in own.content.decode()) == (403, True)
    assert client.get("/staff/999999/").status_code == 404


def test_departments_are_added_on_a_page(client, sign_in, operator):
    sign_in("operator")
    given = {"code": "works", "name_en": "Works", "name_zh_hant": "工務", "name_zh_hans": "工务"}
    assert client.post("/staff/", {**given, "code": "Not so"}).status_code == 422
    assert client.post("/staff/", given).status_code == 302
    assert Department.objects.get().name == Localised("Works", "工務", "工务")
    again = client.post("/staff/", given)
    assert (again.status_code, "already" in again.content.decode()) == (422, True)


@pytest.mark.parametrize("name", ["people", "officer"])
def test_who_is_no_operator_sees_none_of_it(client, sign_in, officer, name):
    address = reverse(f"staff:{name}", args=[officer.pk] if name == "officer" else [])
    assert client.get(address).headers["Location"].startswith("/sign-in?next=")
    sign_in("officer")
    assert client.get(address).status_code == 403
    assert client.post(address, {}).status_code == 403


def test_a_sign_in_that_is_not_fresh_changes_nothing(client, sign_in, officer, operator, works):
    sign_in("operator")
    SignIn.objects.update(proved_at=services.timezone.now() - services.timedelta(minutes=11))
    page = f"/staff/{officer.pk}/"
    assert "sign in once more" in client.get(page).content.decode()
    answer = client.post(page, {"department": "works", "role": "issuer"})
    assert answer.headers["Location"] == f"/sign-in?again=1&next=%2Fstaff%2F{officer.pk}%2F"
    assert not Post.objects.exists()
    assert "Show once more that it is you" in client.get(answer.headers["Location"]).content.decode()
    proved = sign_in("operator", again="1", next=page)
    assert proved.headers["Location"] == page
    assert client.post(page, {"department": "works", "role": "issuer"}).status_code == 302
    assert Post.objects.exists()


def test_a_change_of_posts_gives_the_sessions_new_keys(client, sign_in, officer, works):
    sign_in("officer")
    before = client.session.session_key
    client.get("/account/")
    assert client.session.session_key == before
    services.grant_post(user=officer, department=works, role="issuer", by="kouan user")
    assert client.get("/account/").status_code == 200
    assert client.session.session_key != before


def test_who_loses_their_last_post_during_a_request_acts_for_no_department(officer, operator, works):
    """And not for the whole side, as one would who was given the role without a department."""
    services.grant_post(user=officer, department=works, role="caseworker", by=operator)
    present = again(officer)
    assert (has_role(present, "caseworker"), reach_of(present, "caseworker")) == (True, {"works"})
    services.withdraw_post(user=officer, department=works, role="caseworker", by=operator)
    assert has_role(present, "caseworker")  # as it was when the request began
    assert reach_of(present, "caseworker") == frozenset()
    grant_role(user=officer, role="caseworker")
    assert reach_of(again(officer), "caseworker") is None
    assert reach_of(again(officer), "evidence") == frozenset()


def test_all_who_hold_a_role_are_read_at_once(works, law, operator, django_assert_num_queries):
    for number in range(12):
        user = User.objects.create_user(f"c{number:02}")
        grant_role(user=user, role="caseworker")
        if number:
            services.grant_post(user=user, department=works, role="caseworker", by=operator)
        if number > 5:
            services.grant_post(user=user, department=law, role="caseworker", by=operator)
    User.objects.filter(username="c11").update(is_active=False)
    with django_assert_num_queries(3):
        found = {user.username: codes for user, codes in holders("caseworker")}
    assert list(found) == [f"c{number:02}" for number in range(11)]
    assert (found["c00"], found["c01"], found["c10"]) == (None, {"works"}, {"law", "works"})
