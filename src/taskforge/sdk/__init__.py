"""What a user's code touches: tasks, their arguments, the running job's context, the handle of a job."""
