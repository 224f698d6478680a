"""HTTP, and what every operation shares: routes, reading, answers, retries and limits."""
