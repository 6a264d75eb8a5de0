"""The conformance suite: run as ``pytest conformance/ --target URL``."""

VERSION = "0.1.0"
