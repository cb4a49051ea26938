"""Every page of the door, area by area."""

from __future__ import annotations

from maillage.doors.web.account.pages import PAGES as ACCOUNT
from maillage.doors.web.directory.pages import PAGES as DIRECTORY
from maillage.doors.web.pages import Page
from maillage.doors.web.patients.pages import PAGES as PATIENTS

PAGES: tuple[Page, ...] = (*ACCOUNT, *DIRECTORY, *PATIENTS)
