"""The dashboard in the browser: its built files, and how they are served. Its sources are in `dashboard/`."""
