"""TaskForge inside of frameworks."""
