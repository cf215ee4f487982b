"""Sources of layers outside the project's own files: databases that others edit."""
