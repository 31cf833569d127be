"""Emails to members."""

import smtplib
from email.message import EmailMessage
from typing import Any

from flask import current_app, render_template


def send_mail(to: str, subject: str, template: str, **context: Any) -> None:
    """Render a template, and send the result as an email."""
    message = EmailMessage()
    message["From"] = current_app.config["MAIL_SENDER"]
    message["To"] = to
    message["Subject"] = subject
    message.set_content(render_template(template, **context), subtype="html")
    server = current_app.config["MAIL_SERVER"]
    if not server and (current_app.debug or current_app.testing):
        current_app.logger.info("Email to %s:\n%s", to, message.get_content())
        return
    with smtplib.SMTP(server) as smtp:
        smtp.send_message(message)
