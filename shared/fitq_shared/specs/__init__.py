"""Typed, validated descriptions of jobs."""
