"""Pure rules of search: what a row is, what a query may ask, how hits become moments, what a score means."""
