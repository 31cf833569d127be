"""Tests for insurance purchases and clicks in the site's database."""
