"""From a storm of alerts to a few incidents, and who is told: pure logic, no I/O; the time is an argument."""
