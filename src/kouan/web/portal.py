"""What the base pages themselves put into the navigation and the footer."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web.navigation import NavigationItem, register, register_footer

register(NavigationItem(key="home", text=_("Home"), url_name="web:home", order=0))
register_footer(
    NavigationItem(key="accessibility", text=_("Accessibility"), url_name="web:accessibility", order=900)
)
