"""The simulated gateway, which reads URLs, sells, notifies the site and answers order queries."""
