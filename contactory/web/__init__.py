"""HTTP, and the parts that all operations share: routes, reading, answers, retries and limits."""
