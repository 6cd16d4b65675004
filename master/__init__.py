"""The server of the federation: API, coordinator, audit, rewards, evaluation, store."""

VERSION = "0.1.0"
