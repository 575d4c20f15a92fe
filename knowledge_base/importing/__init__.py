"""Ways into the knowledge base from other formats: an importer reads and reports, and never writes to a store."""
