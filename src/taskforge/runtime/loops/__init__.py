"""The periodic activities: each only names its interval and the use case it calls."""
