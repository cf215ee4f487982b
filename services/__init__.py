"""Services over a build: the HTTP interface (`services.api`) and the web page it serves (`services/viewer`)."""
