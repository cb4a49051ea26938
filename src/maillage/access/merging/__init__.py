"""What opens and closes the record of one person while it stands in two files: links, refusals and labels count for both.

Each side keeps its own rows and is given copies of the other's, so that whoever could read one file reads both, and what the patient refuses or what is
labelled in one is closed in both. The ledger of the merge names the copies; taking the merge back ends them.
"""

from __future__ import annotations

from maillage.access.merging.actions import holders, labels_follow, links_return, share, unshare

__all__ = ["holders", "labels_follow", "links_return", "share", "unshare"]
"""The ledger's kinds are `care_link`, `opposition`, `security_label`."""
