"""Tests for links: the signed URLs of a site that redirect members to pages of the gateway."""
