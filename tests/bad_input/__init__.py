"""Every kind of bad input is driven through the application and a worker, and ends in a named error."""
