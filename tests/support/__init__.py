"""What the tests share: real database servers, real child processes, and waiting for a condition."""
