"""Tests of pages in Chromium and Firefox that take too long for each change."""
