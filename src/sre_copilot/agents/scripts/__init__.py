"""Scripts and manifests for common tasks of operations: written, linted, weighed and explained; never run."""
