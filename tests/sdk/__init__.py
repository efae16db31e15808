"""Tests of the sdk, without a database."""
