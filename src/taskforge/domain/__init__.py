"""What is true of jobs, whatever stores or runs them: pure data and pure decisions."""
