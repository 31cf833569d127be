"""Tools for contributors, for example benchmarks, load tests, mutation tests and screenshots."""
