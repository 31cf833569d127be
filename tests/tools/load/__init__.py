"""Load tests: clicks and notifications on a gunicorn server with two workers (``make load``)."""
