"""The demo, as its visitors and QA use it."""
