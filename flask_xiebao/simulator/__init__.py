"""A simulator of Xiebao's gateway, for tests and for development.

It checks the URLs that a site builds, sells policies, sends notifications to the site and answers
order queries.
"""
