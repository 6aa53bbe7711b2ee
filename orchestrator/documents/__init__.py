"""TeXML documents: requested over HTTP, read, and what follows from them."""
