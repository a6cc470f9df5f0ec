"""One file a service; the Protocol and what several share lie beside them."""
