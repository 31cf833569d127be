"""A check that clicks a site's insurance entries with a test client and reports failures."""
