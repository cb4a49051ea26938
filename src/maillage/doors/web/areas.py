"""Every page of the door, area by area."""

from __future__ import annotations

from maillage.doors.web.account.administration import PAGES as ADMINISTRATION
from maillage.doors.web.account.display import PAGES as DISPLAY
from maillage.doors.web.account.factors import PAGES as FACTORS
from maillage.doors.web.account.invitation import PAGES as INVITATION
from maillage.doors.web.account.local import PAGES as LOCAL
from maillage.doors.web.account.notifications import PAGES as NOTIFICATIONS
from maillage.doors.web.account.own import PAGES as OWN
from maillage.doors.web.account.pages import PAGES as LEGAL
from maillage.doors.web.account.psc import PAGES as PSC
from maillage.doors.web.account.psc import SERVER_PAGES as PSC_SERVER
from maillage.doors.web.account.sign_in import PAGES as SIGN_IN
from maillage.doors.web.apps.pages import PAGES as APPS
from maillage.doors.web.booking.convocation import PAGES as CONVOCATION
from maillage.doors.web.booking.feeds import PAGES as FEEDS
from maillage.doors.web.booking.giving import PAGES as GIVING
from maillage.doors.web.booking.outage import PAGES as OUTAGE
from maillage.doors.web.booking.pages import PAGES as BOOKING
from maillage.doors.web.booking.planning import PAGES as PLANNING
from maillage.doors.web.booking.waiting import PAGES as WAITING
from maillage.doors.web.choices.pages import PAGES as CHOICES
from maillage.doors.web.choices.restrictions import PAGES as RESTRICTIONS
from maillage.doors.web.directory.pages import PAGES as DIRECTORY
from maillage.doors.web.emergency.pages import PAGES as EMERGENCY
from maillage.doors.web.emergency.questions import PAGES as QUESTIONS
from maillage.doors.web.home.pages import PAGES as HOME
from maillage.doors.web.identities.pages import PAGES as IDENTITIES
from maillage.doors.web.live.pages import PAGES as LIVE
from maillage.doors.web.own_record.pages import PAGES as OWN_RECORD
from maillage.doors.web.own_record.sign_in import PAGES as OWN_SIGN_IN
from maillage.doors.web.pages import Page
from maillage.doors.web.partners.pages import PAGES as PARTNERS
from maillage.doors.web.patients.accesses import PAGES as ACCESSES
from maillage.doors.web.patients.pages import PAGES as PATIENTS
from maillage.doors.web.referrals.pages import PAGES as REFERRALS
from maillage.doors.web.simulation.pages import PAGES as SIMULATION
from maillage.doors.web.steering.pages import PAGES as STEERING
from maillage.doors.web.tracker.desk import PAGES as DESK
from maillage.doors.web.tracker.opening import PAGES as OPENING
from maillage.doors.web.tracker.pages import PAGES as TRACKER
from maillage.doors.web.tracker.rights import PAGES as RIGHTS
from maillage.doors.web.tracker.why import PAGES as WHY

_IDENTITY: tuple[Page, ...] = (*SIGN_IN, *PSC, *LOCAL, *INVITATION, *OWN, *DISPLAY, *NOTIFICATIONS, *FACTORS, *ADMINISTRATION, *PARTNERS)
_PATIENTS: tuple[Page, ...] = (*IDENTITIES, *PATIENTS, *ACCESSES, *CHOICES, *RESTRICTIONS, *EMERGENCY, *QUESTIONS)
_CARE: tuple[Page, ...] = (*DIRECTORY, *_PATIENTS, *GIVING, *BOOKING, *CONVOCATION, *FEEDS, *OUTAGE, *PLANNING, *WAITING, *REFERRALS)
_OWN: tuple[Page, ...] = (*OPENING, *TRACKER, *RIGHTS, *WHY, *DESK, *OWN_SIGN_IN, *OWN_RECORD)
PAGES: tuple[Page, ...] = (*_IDENTITY, *LEGAL, *HOME, *_CARE, *STEERING, *SIMULATION, *_OWN, *LIVE, *APPS)

SERVER_PAGES: tuple[Page, ...] = PSC_SERVER
"""What other servers call, without a browser: no session and no form of ours."""
