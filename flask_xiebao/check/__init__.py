"""Whether a site's entries lead where they should: clicked through the whole app, and judged."""
