"""The patient's own pages: a link and a code open a request or an appointment, in plain French, without an account."""
