"""A node's settings with one app more: the traffic whose effects the faults are measured by."""

from kouan.settings import *  # noqa: F403 - everything as it is
from kouan.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "faults.traffic"]
