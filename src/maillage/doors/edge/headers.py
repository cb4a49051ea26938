"""The headers that every answer carries, whatever door it leaves by (OWASP ASVS 5.0, V3.4; Content Security Policy Level 3; RFC 6797)."""

from __future__ import annotations

from typing import Final

_FEATURES = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope", "hid"),
    *("idle-detection", "magnetometer", "microphone", "midi", "payment", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)

SECURITY_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""The same for pages, resources, refusals and probes. A policy without a name refuses nothing: each feature is named."""

_TWO_YEARS = "max-age=63072000; includeSubDomains"


def transport_security(base_url: str) -> dict[str, str]:
    """HSTS where the users reach us by https, and nowhere else: browsers ignore it on http (RFC 6797, 7.2)."""
    return {"strict-transport-security": _TWO_YEARS} if base_url.startswith("https://") else {}
