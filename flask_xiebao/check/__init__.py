"""The check, which clicks a site's entries through the whole app and reports failures."""
