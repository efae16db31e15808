"""The systems that TaskForge is measured beside; each file is both its producer and its worker."""
