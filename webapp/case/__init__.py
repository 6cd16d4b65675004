"""One case as a file to take along: PDF to read, CSV to count."""
