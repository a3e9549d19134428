"""Officers' pages on cases, and the page on which a fee is paid."""
