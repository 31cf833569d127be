"""Mutation tests of the package.

A mutant is the package with one fault. A test that fails on the mutant kills it. If all tests pass,
the mutant survives, so a test is missing.
"""
