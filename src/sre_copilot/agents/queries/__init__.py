"""Language to queries and back: PromQL, LogQL, Elasticsearch DSL, SQL and topology queries out of typed parts, each parsed before anybody sees it."""
