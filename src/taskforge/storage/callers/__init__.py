"""Connections that belong to callers: which kinds there are, and how statements of ours run over each."""
