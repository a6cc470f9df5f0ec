"""The API of Alertmanager, version 2, as a server: Prometheus sends its alerts here, and `amtool` works."""
