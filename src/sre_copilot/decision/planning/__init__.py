"""Plans: from a diagnosis to steps out of the catalogue, weighed against each other and against doing nothing."""
