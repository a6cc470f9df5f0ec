"""The keys of `alerting`: one file a part."""
